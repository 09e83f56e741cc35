//! Number portability: which carrier has a number, by its longest known prefix.
use kemi::module::{edit, log, message};
use std::{cell::RefCell, collections::HashMap};

// written by kemi-wasm module build: numport.wit with what it imports
wit_bindgen::generate!({ path: "build/numport.wit", world: "numport" });

thread_local!(static CARRIERS: RefCell<HashMap<String, String>> = RefCell::default());

struct Numport;
export!(Numport);

impl Guest for Numport {
    /// modparam("numport", "entry", "4930=>carrier-a"): numbers that begin with 4930 are carrier-a's.
    fn configure(name: String, value: String) -> Result<(), String> {
        if name != "entry" {
            return Err(format!("there is no parameter {name}, only entry"));
        }
        match value.split_once("=>") {
            Some((prefix, carrier)) if !prefix.is_empty() && !carrier.is_empty() => {
                CARRIERS.with(|c| c.borrow_mut().insert(prefix.into(), carrier.into()));
                Ok(())
            }
            _ => Err(format!("\"{value}\" is not PREFIX=>CARRIER")),
        }
    }

    /// The carrier of a number; nil when it is nobody's.
    fn lookup(number: String) -> Option<String> {
        let ends = number.char_indices().map(|(at, c)| at + c.len_utf8()).rev();
        CARRIERS.with(|c| ends.into_iter().find_map(|end| c.borrow().get(&number[..end]).cloned()))
    }

    /// Looks up the number in header X-Number, and appends X-Carrier. 1, or -1 when there is no number, or it is nobody's.
    fn mark() -> i32 {
        let Some(number) = message::header("X-Number", 0) else { return -1 };
        let Some(carrier) = Self::lookup(number.clone()) else { return -1 };
        if !edit::append_header("X-Carrier", &carrier) {
            return -1;
        }
        log::debug(&format!("{number} is with {carrier}"));
        1
    }
}
