//! One binary for all tests from outside: it is linked once.

mod tidy;
