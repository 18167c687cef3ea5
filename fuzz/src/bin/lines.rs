//! The line reader against the simplest one that does the same. `pread64` of the C library is replaced, so that a file
//! hands out its text in pieces as short as procfs likes, and is interrupted in between.

#![no_main]

#[path = "../../../sigma-agent/src"]
mod agent {
    pub mod system {
        pub mod read;

        use read::{Buffer, Kind, ProcFile};

        /// What the reader makes of a file, twice: it is read again and again.
        pub fn lines(is_single: bool, between: impl Fn()) -> [Vec<String>; 2] {
            let kind = if is_single { Kind::Single } else { Kind::Records };
            let (mut file, mut buffer) = (ProcFile::new("/dev/null".into(), kind), Buffer::new());
            let mut once = || {
                between();
                let mut lines = Vec::new();
                file.lines(&mut buffer, |line| lines.push(line.to_owned())).unwrap();
                lines
            };
            [once(), once()]
        }
    }
}

use std::cell::RefCell;

use libfuzzer_sys::fuzz_target;

/// As long as the reader's buffer.
const PIECE_BYTES: usize = 4096;

/// What the file holds, and how much of it the next reads bring.
#[derive(Default)]
struct Served {
    text: Vec<u8>,
    sizes: Vec<u8>,
    reads: usize,
}

thread_local! {
    static SERVED: RefCell<Served> = RefCell::new(Served::default());
}

/// Takes the place of the C library's. A size is in units of 8 bytes; 0 is a read that a signal interrupted, 255 one
/// that brings all that fits.
///
/// # Safety
/// As pread(2).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pread64(_: i32, space: *mut u8, room: usize, offset: i64) -> isize {
    SERVED.with_borrow_mut(|served| {
        let at = usize::try_from(offset).unwrap().min(served.text.len());
        let size = served.sizes.get(served.reads % served.sizes.len().max(1)).copied();
        served.reads += 1;
        if size == Some(0) && served.reads % 2 == 1 {
            unsafe { *libc::__errno_location() = libc::EINTR };
            return -1;
        }
        let most = match size {
            None | Some(0 | u8::MAX) => usize::MAX,
            Some(size) => usize::from(size) * 8,
        };
        let count = room.min(most).min(served.text.len() - at);
        unsafe { served.text[at..].as_ptr().copy_to_nonoverlapping(space, count) };
        isize::try_from(count).unwrap()
    })
}

/// Each line, cut where the buffer ends if it is longer.
fn expected(text: &[u8]) -> Vec<String> {
    text.split_inclusive(|&b| b == b'\n')
        .flat_map(|line| line.chunks(PIECE_BYTES))
        .map(|piece| String::from_utf8_lossy(piece.strip_suffix(b"\n").unwrap_or(piece)).into_owned())
        .collect()
}

/// First byte: the kind of file, and how often each byte of the text is repeated, so that short inputs make long
/// lines. Then a length and so many sizes of reads, then the text.
fn serve(input: &[u8]) -> Option<(bool, Vec<u8>, Vec<u8>)> {
    let ([mode, count], rest) = input.split_first_chunk()?;
    let (sizes, text) = rest.split_at_checked(usize::from(count % 16))?;
    let repeated = 1 + usize::from(mode >> 1) % 32;
    let times = |b: u8| if b == b'\n' { 1 } else { repeated };
    let text = text.iter().flat_map(|&b| std::iter::repeat_n(b, times(b))).take(4 * PIECE_BYTES).collect();
    let is_single = mode & 1 == 1;
    // The kernel makes such a file whole at each read, so a short read is the end of it.
    let sizes = if is_single {
        sizes.iter().map(|&s| if s == 0 { 0 } else { u8::MAX }).collect()
    } else {
        sizes.to_vec()
    };
    Some((is_single, sizes, text))
}

fuzz_target!(|input: &[u8]| {
    let Some((is_single, sizes, text)) = serve(input) else { return };
    let expected = expected(&text);
    SERVED.set(Served { text, sizes, reads: 0 });
    let [once, again] = agent::system::lines(is_single, || SERVED.with_borrow_mut(|served| served.reads = 0));
    assert_eq!(once, expected);
    assert_eq!(again, expected);
});
