//! A text as a QR code, drawn by the browser: nothing of it leaves the page.

use qrcodegen::{QrCode, QrCodeEcc};

/// White around the code, in modules: scanners need it.
const MARGIN: i32 = 4;

/// A QR code as a path of SVG.
pub(super) struct Qr {
    /// Width and height of the drawing.
    pub(super) size: i32,
    pub(super) path: String,
}

impl Qr {
    /// The code of a text; `None` if it is too long for one.
    pub(super) fn of(text: &str) -> Option<Self> {
        let code = QrCode::encode_text(text, QrCodeEcc::Medium).ok()?;
        let mut path = String::new();
        for y in 0..code.size() {
            let mut x = 0;
            while x < code.size() {
                let run = (x..code.size()).take_while(|x| code.get_module(*x, y)).count();
                let run = i32::try_from(run).ok()?;
                if run > 0 {
                    path += &format!("M{} {}h{run}v1h-{run}z", x + MARGIN, y + MARGIN);
                }
                x += run + 1;
            }
        }
        Some(Self { size: code.size() + 2 * MARGIN, path })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_drawn_in_runs_with_white_around() {
        let qr = Qr::of("A").unwrap();
        assert_eq!(qr.size, 29, "21 modules and the margin");
        assert!(qr.path.starts_with("M4 4h7v1h-7z"), "the first corner: {}", qr.path);
        assert!(Qr::of(&"x".repeat(5000)).is_none());
    }
}
