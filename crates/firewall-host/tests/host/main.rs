//! Are the rule sets of real kernels read, compared and changed as they should be?

mod meanings;
mod rulesets;
