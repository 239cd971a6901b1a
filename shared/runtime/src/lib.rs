//! What every function's entry point shares: logging, AWS configuration, typed environment errors.
