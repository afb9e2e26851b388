//! What lies in the bucket: objects, and uploads that were begun and left.

use std::sync::Arc;

use chrono::DateTime;
use futures_util::{StreamExt, stream};
use object_store::{ObjectStore, multipart::MultipartStore, path::Path};
use serde::Deserialize;

use super::{Bucket, failed};
use crate::artifacts::{
    error::ArtifactError,
    key::ObjectName,
    listed::{Listed, Listing, Unfinished, UploadId, one_by_one},
};

const EFFORT: &str = "list";

impl Bucket {
    /// Everything below the prefix, in no order.
    pub(in crate::artifacts) fn list(self: &Arc<Self>) -> Listing<Listed> {
        let bucket = Arc::clone(self);
        let all = self.store.list(Some(&self.prefix)).map(move |found| match found {
            Ok(found) => Ok(Listed {
                name: bucket.name(&found.location),
                bytes: found.size,
                changed_at: found.last_modified.timestamp_micros(),
            }),
            Err(error) => Err(failed(EFFORT, &bucket.whole(), error)),
        });
        Box::pin(all)
    }

    /// Uploads below the prefix that are neither complete nor given up.
    pub(in crate::artifacts) fn unfinished(self: &Arc<Self>) -> Listing<Unfinished> {
        let bucket = Arc::clone(self);
        let first = Some((String::new(), String::new()));
        one_by_one(stream::try_unfold((bucket, first), |(bucket, next)| async move {
            let Some((key_marker, upload_marker)) = next else { return Ok(None) };
            let page = bucket.uploads_behind(key_marker, upload_marker).await?;
            let next = page.next_key.zip(page.next_upload).filter(|_| page.is_truncated);
            let found = page.uploads.into_iter().map(|upload| bucket.read_upload(upload));
            let found: Result<Vec<Unfinished>, ArtifactError> = found.collect();
            Ok(Some((found?, (bucket, next))))
        }))
    }

    async fn uploads_behind(
        &self,
        key_marker: String,
        upload_marker: String,
    ) -> Result<Uploads, ArtifactError> {
        let prefix = match self.prefix.as_ref() {
            "" => String::new(),
            prefix => format!("{prefix}/"),
        };
        let query = vec![
            ("uploads", String::new()),
            ("prefix", prefix),
            ("key-marker", key_marker),
            ("upload-id-marker", upload_marker),
        ];
        self.requests.list("list the uploads of", query, self.whole()).await
    }

    fn read_upload(&self, upload: FoundUpload) -> Result<Unfinished, ArtifactError> {
        let fail = |cause: Box<dyn std::error::Error + Send + Sync>| {
            ArtifactError::unavailable(EFFORT, &upload.key, cause)
        };
        let started = DateTime::parse_from_rfc3339(&upload.initiated);
        let started_at = started.map_err(|error| fail(error.into()))?.timestamp_micros();
        let path = Path::parse(&upload.key).map_err(|error| fail(error.into()))?;
        Ok(Unfinished { name: self.name(&path), started_at, id: UploadId(upload.upload_id) })
    }

    /// Gives an upload up; one that is not there is given up.
    pub(in crate::artifacts) async fn abandon(
        &self,
        upload: &Unfinished,
    ) -> Result<(), ArtifactError> {
        let path = self.path(&upload.name);
        match self.store.abort_multipart(&path, &upload.id.0).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(failed("give up", &upload.name, error)),
        }
    }

    /// A name for the whole of it.
    fn whole(&self) -> ObjectName {
        ObjectName::Stranger(format!("{}/{}", self.store, self.prefix))
    }
}

/// A page of uploads.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Uploads {
    #[serde(default)]
    is_truncated: bool,
    #[serde(rename = "NextKeyMarker")]
    next_key: Option<String>,
    #[serde(rename = "NextUploadIdMarker")]
    next_upload: Option<String>,
    #[serde(default, rename = "Upload")]
    uploads: Vec<FoundUpload>,
}

/// An upload.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct FoundUpload {
    key: String,
    upload_id: String,
    initiated: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_of_uploads_is_read_with_where_the_next_one_begins() {
        let page: Uploads = quick_xml::de::from_str(
            r#"<?xml version="1.0" encoding="UTF-8"?>
            <ListMultipartUploadsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
                <Bucket>bucket</Bucket><KeyMarker/><UploadIdMarker/>
                <NextKeyMarker>my-movie.m2ts</NextKeyMarker>
                <NextUploadIdMarker>YW55IGlkZWE</NextUploadIdMarker>
                <MaxUploads>3</MaxUploads><IsTruncated>true</IsTruncated>
                <Upload><Key>my-divisor</Key><UploadId>XMgbGl</UploadId>
                    <Initiator><ID>arn</ID></Initiator><StorageClass>STANDARD</StorageClass>
                    <Initiated>2010-11-10T20:48:33.000Z</Initiated></Upload>
                <Upload><Key>my-movie.m2ts</Key><UploadId>VXBsb2</UploadId>
                    <Initiated>2010-11-10T20:48:33.000Z</Initiated></Upload>
            </ListMultipartUploadsResult>"#,
        )
        .unwrap();
        assert!(page.is_truncated);
        assert_eq!(page.next_key.as_deref(), Some("my-movie.m2ts"));
        assert_eq!(page.next_upload.as_deref(), Some("YW55IGlkZWE"));
        let keys: Vec<&str> = page.uploads.iter().map(|upload| upload.key.as_str()).collect();
        assert_eq!(keys, ["my-divisor", "my-movie.m2ts"]);
    }
}
