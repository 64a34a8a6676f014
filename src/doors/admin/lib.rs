//! admin_door
