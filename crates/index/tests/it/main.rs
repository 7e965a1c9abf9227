//! The room from outside.
