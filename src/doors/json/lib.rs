//! json_door
