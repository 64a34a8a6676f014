//! Files that are damaged or removed while the store is open, or before.
