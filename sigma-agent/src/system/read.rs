//! Reading small kernel files into one reused buffer, line by line.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags, ResolveFlags};
use rustix::io::Errno;
use sigma_protocol::{MAX_TEXT_CHARS, is_unprintable};

/// Size of the one buffer. A file may be of any length; a line that does not fit is handed out in pieces.
const BUFFER_BYTES: usize = 4096;

const OPEN_RETRIES: u32 = 100;

/// The buffer that every file is read into.
pub(super) struct Buffer(Box<[u8]>);

impl Buffer {
    pub(super) fn new() -> Self {
        Self(vec![0; BUFFER_BYTES].into_boxed_slice())
    }
}

/// How a file of procfs hands out its text.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Made whole at each read (the kernel's `single_open`): a read that does not fill the buffer was the last.
    Single,
    /// Made record by record (the kernel's `seq_file`): only an empty read is the end.
    Records,
}

/// A file under /proc that is read at every beat: opened once, then read from its start again and again. The kernel
/// makes its text anew whenever it is read from offset 0, and this saves an open and a close each time.
pub(super) struct ProcFile {
    path: PathBuf,
    kind: Kind,
    file: Option<File>,
}

impl ProcFile {
    pub(super) fn new(path: PathBuf, kind: Kind) -> Self {
        Self { path, kind, file: None }
    }

    /// Calls `line` with each line, without its end. After an error the file is opened anew at the next call (a
    /// restarted lxcfs leaves descriptors behind that only answer ENOTCONN).
    pub(super) fn lines(&mut self, buffer: &mut Buffer, line: impl FnMut(&str)) -> io::Result<()> {
        let file = match self.file.take() {
            Some(file) => file,
            None => File::open(&self.path)?,
        };
        read_lines(&file, self.kind, buffer, line)?;
        self.file = Some(file);
        Ok(())
    }

    /// The first line.
    pub(super) fn first_line(&mut self, buffer: &mut Buffer) -> io::Result<String> {
        let mut first = None;
        self.lines(buffer, |line| {
            first.get_or_insert_with(|| line.to_owned());
        })?;
        Ok(first.unwrap_or_default())
    }
}

/// Calls `line` with each line of a file below `root` that is read rarely.
pub(super) fn lines(root: &Path, file: &str, buffer: &mut Buffer, line: impl FnMut(&str)) -> io::Result<()> {
    read_lines(&open_below(root, file)?, Kind::Records, buffer, line)
}

/// The first line of a file that is read rarely, trimmed; absent when there is none or it is empty.
pub(super) fn first_line(root: &Path, file: &str, buffer: &mut Buffer) -> Option<String> {
    let mut first = None;
    lines(root, file, buffer, |line| {
        first.get_or_insert_with(|| line.to_owned());
    })
    .ok()?;
    let line = first.as_deref().unwrap_or_default().trim();
    (!line.is_empty()).then(|| line.to_owned())
}

/// Opens a file of the machine whose root file system is at `root`. An absolute link there means a file there, not one of
/// ours (`RESOLVE_IN_ROOT`, openat2(2)).
fn open_below(root: &Path, file: &str) -> io::Result<File> {
    if root == Path::new("/") {
        return File::open(root.join(file));
    }
    let folder = rustix::fs::open(root, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let open = || rustix::fs::openat2(&folder, file, flags, Mode::empty(), ResolveFlags::IN_ROOT);
    // While anything is renamed or mounted anywhere, the kernel cannot tell where ".." leads and asks to try again.
    let mut opened = open();
    for _ in 0..OPEN_RETRIES {
        match opened {
            Err(Errno::AGAIN) => opened = open(),
            _ => break,
        }
    }
    match opened {
        Ok(opened) => Ok(opened.into()),
        // Before Linux 5.6, and behind filters of system calls that were written before it.
        Err(Errno::NOSYS | Errno::PERM) => File::open(root.join(file)),
        Err(error) => Err(error.into()),
    }
}

fn read_lines(file: &File, kind: Kind, buffer: &mut Buffer, mut line: impl FnMut(&str)) -> io::Result<()> {
    let bytes = &mut buffer.0;
    let mut offset = 0;
    // Bytes at the start of the buffer that belong to a line whose end has not been read yet.
    let mut held = 0;
    loop {
        let space = bytes.get_mut(held..).unwrap_or_default();
        let room = space.len();
        let read = match file.read_at(space, offset) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            read => read?,
        };
        offset += u64::try_from(read).unwrap_or_default();
        held += read;
        let end = read == 0 || (kind == Kind::Single && read < room);

        let text = bytes.get(..held).unwrap_or_default();
        let whole = match text.iter().rposition(|&b| b == b'\n') {
            _ if end => held,
            Some(newline) => newline + 1,
            None if held == bytes.len() => held,
            None => 0,
        };
        for one in text.get(..whole).unwrap_or_default().split_inclusive(|&b| b == b'\n') {
            let one = one.strip_suffix(b"\n").unwrap_or(one);
            match std::str::from_utf8(one) {
                Ok(text) => line(text),
                Err(_) => line(&String::from_utf8_lossy(one)),
            }
        }
        if end {
            return Ok(());
        }
        bytes.copy_within(whole..held, 0);
        held -= whole;
    }
}

/// Text as it may be sent: trimmed, without control characters and marks that turn the direction of writing, no longer
/// than the protocol allows; absent when nothing is left.
pub(super) fn clean(text: &str) -> Option<String> {
    let kept: String = text.trim().chars().filter(|&c| !is_unprintable(c)).take(MAX_TEXT_CHARS).collect();
    let kept = kept.trim();
    (!kept.is_empty()).then(|| kept.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn read(text: &[u8], kind: Kind) -> Vec<String> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text).unwrap();
        let mut proc_file = ProcFile::new(file.path().to_owned(), kind);
        let mut buffer = Buffer::new();
        let mut twice = Vec::new();
        for _ in 0..2 {
            twice.clear();
            proc_file.lines(&mut buffer, |line| twice.push(line.to_owned())).unwrap();
        }
        twice
    }

    #[test]
    fn a_file_is_read_again_and_again_from_its_start() {
        for kind in [Kind::Single, Kind::Records] {
            assert_eq!(read(b"one\ntwo\n\nend", kind), ["one", "two", "", "end"]);
            assert_eq!(read(b"", kind), [""; 0]);
        }
    }

    #[test]
    fn a_file_longer_than_the_buffer_is_read_whole() {
        let text: Vec<String> = (0..3000).map(|n| format!("line {n}")).collect();
        assert_eq!(read(text.join("\n").as_bytes(), Kind::Records), text);
        assert_eq!(read(text.join("\n").as_bytes(), Kind::Single), text);
    }

    #[test]
    fn a_line_longer_than_the_buffer_comes_in_pieces() {
        let pieces = read(format!("{}\nb", "x".repeat(5000)).as_bytes(), Kind::Records);
        assert_eq!(pieces.iter().map(String::len).collect::<Vec<_>>(), [4096, 904, 1]);
    }

    #[test]
    fn a_procfs_file_is_made_anew_at_each_read() {
        let mut file = ProcFile::new("/proc/self/stat".into(), Kind::Single);
        let mut buffer = Buffer::new();
        let first = file.first_line(&mut buffer).unwrap();
        let started = std::time::Instant::now();
        while started.elapsed().as_millis() < 50 {}
        assert_ne!(file.first_line(&mut buffer).unwrap(), first);
    }

    #[test]
    fn an_absolute_link_below_a_root_stays_below_it() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(root.path().join("etc/static")).unwrap();
        std::fs::write(root.path().join("etc/static/machine-id"), "theirs\n").unwrap();
        std::os::unix::fs::symlink("/etc/static/machine-id", root.path().join("etc/machine-id")).unwrap();
        std::os::unix::fs::symlink("../../../../etc/static/machine-id", root.path().join("etc/up")).unwrap();
        let mut buffer = Buffer::new();
        for file in ["etc/machine-id", "etc/up"] {
            assert_eq!(first_line(root.path(), file, &mut buffer).as_deref(), Some("theirs"), "{file}");
        }
        assert_eq!(first_line(root.path(), "etc/none", &mut buffer), None);
    }

    #[test]
    fn text_is_cleaned_before_it_is_sent() {
        assert_eq!(clean("  QEMU \n").as_deref(), Some("QEMU"));
        assert_eq!(clean("a\u{7}b\u{202e}c").as_deref(), Some("abc"));
        assert_eq!(clean(" \t\u{0} "), None);
        assert_eq!(clean(&"é".repeat(300)).map(|t| t.chars().count()), Some(256));
    }
}
