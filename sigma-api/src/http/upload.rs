//! A form of a page that may bring a file (RFC 7578). All of it is in memory, which is why it is small.

use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use tokio::sync::SemaphorePermit;

use super::error::{ApiError, Result};
use super::large::read_alone;

/// Bytes of a file or text in such a form, at most, with an end of line counted once.
pub(super) const MAX_UPLOAD_BYTES: usize = 2 * 1024 * 1024;

/// The fields and files of a form, and the right to be the only large body.
pub(super) struct Upload {
    fields: Vec<(String, String)>,
    _only_one: SemaphorePermit<'static>,
}

impl Upload {
    /// What stands in the first field or file of that name that is not empty.
    pub(super) fn get(&self, name: &str) -> &str {
        let found = self.fields.iter().find(|(field, value)| field == name && !value.is_empty());
        found.map_or("", |(_, value)| value)
    }
}

impl<S: Send + Sync> FromRequest<S> for Upload {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self> {
        let (parts, body) = request.into_parts();
        let kind = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let boundary = boundary(kind).ok_or_else(|| {
            let sentence = "This address takes the form of its page; programs use the addresses under /api.";
            ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, sentence)
        })?;
        // Browsers end the lines of what was pasted with two characters, where a file may have one.
        let (bytes, permit) = read_alone(body, 2 * MAX_UPLOAD_BYTES).await.map_err(too_large)?;
        let text = String::from_utf8(bytes).map_err(|_| {
            ApiError::bad_request("The file is no text in UTF-8; save it so, and send it again.")
        })?;
        let fields = fields(&text, boundary);
        let fields = fields.ok_or_else(|| ApiError::bad_request("The form did not arrive whole."))?;
        if fields.iter().any(|(_, value)| value.len() - value.matches("\r\n").count() > MAX_UPLOAD_BYTES) {
            return Err(too_large(ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "")));
        }
        Ok(Self { fields, _only_one: permit })
    }
}

/// Says the limit that a person can keep to.
fn too_large(error: ApiError) -> ApiError {
    if error.status() != StatusCode::PAYLOAD_TOO_LARGE {
        return error;
    }
    let sentence = format!("The file is larger than {} MiB.", MAX_UPLOAD_BYTES / 1024 / 1024);
    ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, sentence)
}

/// What stands between the parts of a form with files.
fn boundary(kind: &str) -> Option<&str> {
    let (kind, parameters) = kind.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let boundary = parameters.split(';').find_map(|parameter| parameter.trim().strip_prefix("boundary="))?;
    Some(boundary.trim_matches('"')).filter(|boundary| (1..=70).contains(&boundary.len()))
}

/// Names and texts of the parts; `None` if they do not end as they should.
fn fields(text: &str, boundary: &str) -> Option<Vec<(String, String)>> {
    let between = format!("\r\n--{boundary}");
    let mut rest = text.strip_prefix(between.trim_start())?;
    let mut fields = Vec::new();
    while !rest.starts_with("--") {
        let (part, after) = rest.split_once(&between)?;
        let (head, value) = part.split_once("\r\n\r\n")?;
        let disposition =
            head.lines().find(|line| line.to_ascii_lowercase().starts_with("content-disposition:"))?;
        // Browsers write a quotation mark within a name in another way.
        let name = disposition.split(';').find_map(|word| word.trim().strip_prefix("name=\""))?;
        fields.push((name.trim_end_matches('"').to_owned(), value.to_owned()));
        rest = after;
    }
    Some(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<Vec<(String, String)>> {
        fields(text, "b-1")
    }

    #[test]
    fn fields_and_files_are_read_as_they_were_written() {
        let text = "--b-1\r\nContent-Disposition: form-data; name=\"kind\"\r\n\r\nvps\r\n\
                    --b-1\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a; name=b.csv\"\r\n\
                    Content-Type: text/csv\r\n\r\nhostname\r\n\r\n--b\r\nä\r\n\r\n--b-1--\r\n";
        let expected = [("kind", "vps"), ("file", "hostname\r\n\r\n--b\r\nä\r\n")];
        let expected: Vec<_> = expected.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
        assert_eq!(read(text), Some(expected));
        assert_eq!(read("--b-1--"), Some(Vec::new()));
    }

    #[test]
    fn what_is_cut_off_or_none_is_not_half_taken() {
        let whole = "--b-1\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nx\r\n--b-1--";
        assert!(read(whole).is_some());
        for end in 0..whole.len() {
            assert_eq!(whole.get(..end).and_then(read), None, "{end}");
        }
        for text in ["", "a=b", "--b-1\r\n\r\n\r\nx\r\n--b-1--", "--b-2--"] {
            assert_eq!(read(text), None, "{text:?}");
        }
    }

    #[test]
    fn the_boundary_is_that_of_the_kind() {
        for (kind, found) in [
            ("multipart/form-data; boundary=b-1", Some("b-1")),
            ("Multipart/Form-Data; charset=utf-8; boundary=\"b 1\"", Some("b 1")),
            ("multipart/form-data; boundary=", None),
            ("multipart/form-data", None),
            ("text/csv; boundary=b", None),
        ] {
            assert_eq!(boundary(kind), found, "{kind}");
        }
    }
}
