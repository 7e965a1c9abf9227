//! Every mistake of a file in one run, each with its line.
