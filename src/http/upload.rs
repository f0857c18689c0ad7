//! Files that are too long for memory: spooled to a nameless file as they come, with their digest.

use super::body::Body;
use super::problem::Problem;
use crate::domain::text::Text;
use crate::services::error::Error;
use actix_web::http::{StatusCode, header};
use actix_web::web::{Bytes, Payload};
use actix_web::HttpRequest;
use futures_util::StreamExt;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::time::{Duration, Instant};

/// Slower clients hold a connection and a file for longer than their file is worth.
const BYTES_PER_SECOND_MIN: usize = 8 * 1024;

/// A file as it came. It has no name, so nothing is left of it when the process ends, however it ends.
pub struct Upload {
    pub file: File,
    pub digest: [u8; 32],
    pub media_type: String,
}

impl Upload {
    /// Reads a request's body to its end; `idle` is the longest wait for its next piece.
    pub async fn receive(request: &HttpRequest, mut payload: Payload, directory: &Path, bytes_max: usize, idle: Duration) -> Result<Self, Problem> {
        let media_type = super::body::media_type(request);
        let declared = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
        if let Some(length) = declared.filter(|length| *length > bytes_max) {
            return Err(Problem::too_large(&format!("a body of {length} bytes"), bytes_max));
        }
        let broken = |error: std::io::Error| Problem::from(Error::Unavailable(Text::new(format!("the upload cannot be kept: {}", error.kind()), "无法暂存上传文件")));
        // With keys and database elsewhere nobody may have made it yet.
        std::fs::create_dir_all(directory).map_err(broken)?;
        let started = Instant::now();
        let (mut file, mut hash, mut length) = (tempfile::tempfile_in(directory).map_err(broken)?, Sha256::new(), 0);
        loop {
            let next = tokio::time::timeout(idle, payload.next()).await.map_err(|_| {
                let detail = Text::new(format!("nothing came for {} seconds", idle.as_secs()), format!("{} 秒内未收到数据", idle.as_secs()));
                Problem::new(StatusCode::REQUEST_TIMEOUT, "too-slow", Text::new("Too slow", "请求体传输过慢"), detail)
            })?;
            let Some(piece) = next else { break };
            let piece = piece.map_err(|_| Problem::invalid("body", "the body ended before it was whole", "请求体不完整"))?;
            length += piece.len();
            if length > bytes_max {
                return Err(Problem::too_large("a longer body", bytes_max));
            }
            if started.elapsed() > idle + Duration::from_secs((length / BYTES_PER_SECOND_MIN) as u64) {
                let detail = Text::new(format!("less than {BYTES_PER_SECOND_MIN} bytes a second came"), format!("每秒不足 {BYTES_PER_SECOND_MIN} 字节"));
                return Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "too-slow", Text::new("Too slow", "请求体传输过慢"), detail));
            }
            hash.update(&piece);
            file.write_all(&piece).map_err(broken)?;
        }
        file.seek(SeekFrom::Start(0)).map_err(broken)?;
        Ok(Upload { file, digest: hash.finalize().into(), media_type })
    }

    /// What stands for the file where a body is compared with an earlier one.
    pub fn as_body(&self) -> Body {
        Body { media_type: self.media_type.clone(), bytes: Bytes::copy_from_slice(&self.digest) }
    }
}
