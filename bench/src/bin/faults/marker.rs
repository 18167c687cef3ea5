//! Secrets, the places where they could have got to, and who of them may be where.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

use crate::at;
use crate::http::Answer;

/// So many bytes of a secret tell where it may begin.
const START: usize = 4;

/// Something that nobody is to read but whom it was given to.
struct Secret {
    name: String,
    /// As text, and as what else it could be stored.
    forms: Vec<Vec<u8>>,
    /// Short, so that it is only found where no letter or digit is beside it.
    is_short: bool,
}

/// Where something was said, printed or stored.
struct Place {
    name: String,
    bytes: Vec<u8>,
    /// Names of the secrets that are given away here, and nowhere else.
    gives: Vec<String>,
}

/// All secrets and all places.
#[derive(Default)]
pub(crate) struct Lab {
    secrets: Vec<Secret>,
    places: Vec<Place>,
    pub(crate) requests: u32,
}

impl Lab {
    /// Remembers a secret; several may have one name.
    pub(crate) fn secret(&mut self, name: &str, text: &str) {
        let mut forms = vec![text.as_bytes().to_vec()];
        forms.extend(bytes_of_hex(text));
        if text.contains('-') {
            forms.push(text.replace('-', "").into_bytes());
        }
        self.secrets.push(Secret { name: name.to_owned(), forms, is_short: text.len() < 8 });
    }

    /// Remembers one more form of the last secret.
    pub(crate) fn form(&mut self, bytes: &[u8]) {
        if let Some(last) = self.secrets.last_mut() {
            last.forms.push(bytes.to_vec());
        }
    }

    pub(crate) fn place(&mut self, name: &str, bytes: Vec<u8>, gives: &[&str]) {
        let gives = gives.iter().map(|name| (*name).to_owned()).collect();
        self.places.push(Place { name: name.to_owned(), bytes, gives });
    }

    /// An answer of the hub, its head too.
    pub(crate) fn answer(&mut self, name: &str, answer: &Answer, gives: &[&str]) {
        self.requests += 1;
        self.place(
            &format!("the answer {} to {name}", answer.status),
            (answer.head.clone() + &answer.body).into_bytes(),
            gives,
        );
    }

    /// All files in a folder and below; of the secrets, the file of each name may have one.
    pub(crate) fn files(&mut self, folder: &Path, gives: &[(&str, &str)]) -> Result<(), String> {
        let mut folders: Vec<PathBuf> = vec![folder.to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).map_err(at("folder"))? {
                let path = entry.map_err(at("folder"))?.path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let has = gives.iter().filter(|(file, _)| path.ends_with(file)).map(|(_, secret)| *secret);
                let has: Vec<&str> = has.collect();
                self.place(&path.display().to_string(), fs::read(&path).map_err(at("file"))?, &has);
            }
        }
        Ok(())
    }

    /// How many secrets, places and KiB were looked through.
    ///
    /// # Errors
    /// Each place that has a secret which it does not give, and each that lacks one which it gives.
    pub(crate) fn look(&self) -> Result<(usize, usize, usize), String> {
        let mut starts: HashMap<&[u8], Vec<(&Secret, &[u8])>> = HashMap::new();
        for secret in &self.secrets {
            for form in &secret.forms {
                let start = form.get(..START).ok_or_else(|| format!("{} is too short", secret.name))?;
                starts.entry(start).or_default().push((secret, form));
            }
        }
        let (mut leaks, mut bytes) = (Vec::new(), 0);
        for place in &self.places {
            let mut given = BTreeSet::new();
            bytes += place.bytes.len();
            for (offset, window) in place.bytes.windows(START).enumerate() {
                let Some(candidates) = starts.get(window) else { continue };
                for (secret, form) in candidates {
                    let rest = place.bytes.get(offset..).unwrap_or_default();
                    let is_free = !secret.is_short || stands_alone(&place.bytes, offset, form.len());
                    if rest.starts_with(form) && is_free {
                        given.insert(&*secret.name);
                    }
                }
            }
            let may: BTreeSet<&str> = place.gives.iter().map(String::as_str).collect();
            leaks.extend(given.difference(&may).map(|name| format!("{name} is in {}", place.name)));
            // Otherwise nothing would be found where nothing should be.
            leaks.extend(may.difference(&given).map(|name| format!("{name} is not in {}", place.name)));
        }
        if !leaks.is_empty() {
            return Err(leaks.join("; "));
        }
        Ok((self.secrets.len(), self.places.len(), bytes / 1024))
    }
}

fn stands_alone(bytes: &[u8], offset: usize, length: usize) -> bool {
    let is_word = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_alphanumeric);
    !is_word(offset.checked_sub(1)) && !is_word(offset.checked_add(length))
}

/// What a text of hexadecimal digits stands for.
fn bytes_of_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> =
        text.chars().map(|digit| digit.to_digit(16).and_then(|value| u8::try_from(value).ok())).collect();
    let digits = digits.filter(|digits| digits.len() >= 32 && digits.len().is_multiple_of(2))?;
    Some(digits.chunks_exact(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect())
}
