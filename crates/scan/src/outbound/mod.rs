//! Credentials in text that leaves.
//!
//! ```text
//! catalog   rules, words and services, and one automaton over their literals
//! patterns  the pass itself, and what a rule must show to be believed
//! check     checksums and structures        value    words or randomness
//! assign    `name = value` in every syntax  name, syntax  its two halves
//! password  what people choose              token  what programs make
//! address   passwords in addresses          pem, manifest  keys in documents
//! placeholder, reference  what stands where a secret belongs and is none
//! ```

mod address;
mod assign;
mod catalog;
mod check;
mod manifest;
mod name;
mod password;
pub(crate) mod patterns;
mod pem;
mod placeholder;
mod reference;
mod rule;
mod syntax;
mod token;
mod value;

pub use catalog::Catalog;
pub use rule::RuleFault;

#[cfg(test)]
mod tests;
