//! Outside services that two functions share, one file each.
