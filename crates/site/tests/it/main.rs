//! The site file, from the outside.

mod sites;
