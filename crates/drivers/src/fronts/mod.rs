//! The twin's front ends: the plant behind real sockets, speaking the machines' own protocols.
//!
//! Not here: the protocols' codecs (beside this folder) and the plant's physics (`offpeak-twin`).
