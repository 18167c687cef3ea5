//! Stories about the pages of the hub: the real program, in a real browser (Chromium by its chromedriver).
//!
//! A story is a function that takes [`browser::Script`] and stands in one of the two macros below.

/// Makes a test of each of these stories, with JavaScript.
#[cfg(test)]
macro_rules! stories {
    ($($story:ident),* $(,)?) => {$(
        mod $story {
            #[test]
            fn with_javascript() {
                crate::driver::tell(stringify!($story), || super::$story(crate::browser::Script::On));
            }
        }
    )*};
}

/// Makes two tests of each of these stories: with JavaScript, and without.
#[cfg(test)]
macro_rules! stories_also_without_javascript {
    ($($story:ident),* $(,)?) => {$(
        mod $story {
            #[test]
            fn with_javascript() {
                crate::driver::tell(stringify!($story), || super::$story(crate::browser::Script::On));
            }
            #[test]
            fn without_javascript() {
                crate::driver::tell(stringify!($story), || super::$story(crate::browser::Script::Off));
            }
        }
    )*};
}

#[cfg(test)]
#[path = "../stories/common/mod.rs"]
mod common;
#[cfg(test)]
#[path = "../stories/people.rs"]
#[expect(dead_code, reason = "the stories without a browser use all of it")]
mod people;

#[cfg(test)]
mod acts;
#[cfg(test)]
mod browser;
#[cfg(test)]
mod checks;
#[cfg(test)]
mod driver;
#[cfg(test)]
mod pages;

#[cfg(test)]
mod account;
#[cfg(test)]
mod arrivals;
#[cfg(test)]
mod bulk;
#[cfg(test)]
mod conflicts;
#[cfg(test)]
mod copying;
#[cfg(test)]
mod errors;
#[cfg(test)]
mod first_machines;
#[cfg(test)]
mod furnish;
#[cfg(test)]
mod harness;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod imports;
#[cfg(test)]
mod inbox;
#[cfg(test)]
mod keyboard;
#[cfg(test)]
mod live;
#[cfg(test)]
mod marked;
#[cfg(test)]
mod pictures;
#[cfg(test)]
mod printed;
#[cfg(test)]
mod readable;
#[cfg(test)]
mod readers;
#[cfg(test)]
mod set_up;
#[cfg(test)]
mod shortcuts;
#[cfg(test)]
mod sign_in;
