//! Local model servers, asked whether they are there.
