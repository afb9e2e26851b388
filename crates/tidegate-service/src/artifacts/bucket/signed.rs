//! Requests that the store's client does not offer: checksums, versions, unfinished uploads.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use object_store::{
    ClientConfigKey, ClientOptions,
    aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey, AwsAuthorizer},
    client::{HttpClient, HttpConnector, HttpRequestBody, ReqwestConnector},
    path::Path,
    signer::Signer,
};
use serde::Deserialize;

use super::{
    NO_BUCKET, failed,
    options::{BucketOptions, Retry},
};
use crate::artifacts::{error::ArtifactError, key::ObjectName};

/// Bytes of an answer that are looked at when it is an error: enough for its code.
const ERROR_BYTES_MAX: usize = 2_000;
/// Region where none is said.
const REGION: &str = "us-east-1";
/// What of the way to the store may be configured, beside its address.
const CLIENT_KEYS: [ClientConfigKey; 4] = [
    ClientConfigKey::AllowInvalidCertificates,
    ClientConfigKey::ProxyUrl,
    ClientConfigKey::ProxyCaCertificate,
    ClientConfigKey::ProxyExcludes,
];
const CHECKSUM_HEADER: &str = "x-amz-checksum-sha256";
const MARKER_HEADER: &str = "x-amz-delete-marker";
const VERSION_HEADER: &str = "x-amz-version-id";

/// Sends requests of our own making, signed with the store's credentials.
pub(super) struct SignedRequests {
    store: AmazonS3,
    http: HttpClient,
    region: String,
    retry: Retry,
}

/// What the store says of an object.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) bytes: u64,
    /// SHA-256 in base64, if the store keeps one; of an upload in parts, that of their checksums.
    pub(super) checksum: Option<String>,
}

/// What a deletion left behind.
#[derive(Debug)]
pub(super) struct Left {
    pub(super) has_versions: bool,
}

/// An answer that is no error.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

/// One request.
struct Ask<'a> {
    effort: &'static str,
    method: Method,
    path: &'a Path,
    query: Vec<(&'a str, String)>,
    header: Option<(&'static str, &'static str)>,
}

impl<'a> Ask<'a> {
    fn new(effort: &'static str, method: Method, path: &'a Path) -> Self {
        Self { effort, method, path, query: Vec::new(), header: None }
    }
}

impl SignedRequests {
    /// Sends by the same way as the store's client, which `builder` made.
    pub(super) fn new(
        store: AmazonS3,
        builder: &AmazonS3Builder,
        options: &BucketOptions,
    ) -> Result<Self, ArtifactError> {
        let mut client = ClientOptions::new()
            .with_timeout(Duration::from_secs(options.request_seconds_max))
            .with_allow_http(true);
        for key in CLIENT_KEYS {
            if let Some(value) = builder.get_config_value(&AmazonS3ConfigKey::Client(key)) {
                client = client.with_config(key, value);
            }
        }
        let region = builder.get_config_value(&AmazonS3ConfigKey::Region);
        let region = region.unwrap_or_else(|| REGION.to_owned());
        let http = ReqwestConnector::default().connect(&client);
        let http = http.map_err(|error| ArtifactError::Unfit { detail: error.to_string() })?;
        Ok(Self { store, http, region, retry: options.retry })
    }

    /// What the store says of an object, if it has it.
    pub(super) async fn head(
        &self,
        path: &Path,
        name: &ObjectName,
    ) -> Result<Option<Head>, ArtifactError> {
        let answer = self.ask_head(path, name).await?;
        if answer.status == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        let told = |header: &str| answer.headers.get(header)?.to_str().ok();
        let bytes = told("content-length").and_then(|bytes| bytes.parse().ok());
        let bytes = bytes.ok_or_else(|| {
            ArtifactError::unavailable("look for", name, "it does not say how long it is")
        })?;
        // `{checksum of the parts' checksums}-{number of parts}`
        let checksum = told(CHECKSUM_HEADER).and_then(|text| text.split('-').next());
        Ok(Some(Head { bytes, checksum: checksum.map(str::to_owned) }))
    }

    /// Whether there is an object, or versions of one that was deleted.
    pub(super) async fn has_any(
        &self,
        path: &Path,
        name: &ObjectName,
    ) -> Result<bool, ArtifactError> {
        let answer = self.ask_head(path, name).await?;
        Ok(answer.status != StatusCode::NOT_FOUND || answer.headers.contains_key(MARKER_HEADER))
    }

    async fn ask_head(&self, path: &Path, name: &ObjectName) -> Result<Answer, ArtifactError> {
        let mut ask = Ask::new("look for", Method::HEAD, path);
        ask.header = Some(("x-amz-checksum-mode", "ENABLED"));
        self.send(ask, name).await
    }

    /// Deletes an object; one that is not there is deleted.
    pub(super) async fn delete(
        &self,
        path: &Path,
        name: &ObjectName,
    ) -> Result<Left, ArtifactError> {
        let answer = self.send(Ask::new("delete", Method::DELETE, path), name).await?;
        let has_versions = [MARKER_HEADER, VERSION_HEADER]
            .iter()
            .any(|header| answer.headers.contains_key(*header));
        Ok(Left { has_versions })
    }

    /// Deletes all versions of an object, and the marks of its deletion.
    pub(super) async fn delete_versions(
        &self,
        path: &Path,
        name: &ObjectName,
    ) -> Result<(), ArtifactError> {
        // All of them first: a page begins behind a version, which must not be gone by then.
        let mut ids = Vec::new();
        let mut next = Some((String::new(), String::new()));
        while let Some((key_marker, version_marker)) = next {
            let query = vec![
                ("versions", String::new()),
                ("prefix", path.to_string()),
                ("key-marker", key_marker),
                ("version-id-marker", version_marker),
            ];
            let page: Versions = self.list("list the versions of", query, name).await?;
            let found = page.versions.into_iter().chain(page.marks);
            ids.extend(found.filter(|version| version.key == path.as_ref()).map(|found| found.id));
            next = page.next_key.zip(page.next_version).filter(|_| page.is_truncated);
        }
        for id in ids {
            let mut ask = Ask::new("delete a version of", Method::DELETE, path);
            ask.query = vec![("versionId", id)];
            self.send(ask, name).await?;
        }
        Ok(())
    }

    /// Reads a page of a list that the bucket gives.
    pub(super) async fn list<T: for<'de> Deserialize<'de>>(
        &self,
        effort: &'static str,
        query: Vec<(&str, String)>,
        name: impl ToString,
    ) -> Result<T, ArtifactError> {
        let root = Path::default();
        let mut ask = Ask::new(effort, Method::GET, &root);
        ask.query = query.into_iter().filter(is_said).collect();
        let name = name.to_string();
        let answer = self.send(ask, &name).await?;
        quick_xml::de::from_reader(&*answer.body)
            .map_err(|error| ArtifactError::unavailable(effort, name, error))
    }

    /// Sends a request until it is answered, as often as may be. All of them can be repeated.
    async fn send(&self, ask: Ask<'_>, name: &impl ToString) -> Result<Answer, ArtifactError> {
        let mut pauses = self.retry.pauses();
        loop {
            let (error, is_passing) = match self.send_once(&ask, name).await {
                Ok(answer) if is_answer(&answer) => return Ok(answer),
                Ok(answer) => {
                    let said = String::from_utf8_lossy(&answer.body);
                    let said: String = said.chars().take(ERROR_BYTES_MAX).collect();
                    let cause = format!("status {}: {said}", answer.status);
                    let error = ArtifactError::unavailable(ask.effort, name.to_string(), cause);
                    (error, is_passing(answer.status))
                }
                Err(error) => (error, true),
            };
            match pauses.next() {
                Some(pause) if is_passing => tokio::time::sleep(pause).await,
                Some(_) | None => return Err(error),
            }
        }
    }

    async fn send_once(
        &self,
        ask: &Ask<'_>,
        name: &impl ToString,
    ) -> Result<Answer, ArtifactError> {
        let fail = |cause: Box<dyn std::error::Error + Send + Sync>| {
            ArtifactError::unavailable(ask.effort, name.to_string(), cause)
        };
        // The client knows where the object is; of what it signs here only the place is used.
        let url = self.store.signed_url(Method::GET, ask.path, Duration::from_secs(1)).await;
        let mut url = url.map_err(|error| match failed(ask.effort, &stranger(name), error) {
            ArtifactError::Unavailable { cause, .. } => fail(cause),
            other => other,
        })?;
        url.set_query(None);
        for (key, value) in &ask.query {
            url.query_pairs_mut().append_pair(key, value);
        }
        let mut request = Request::builder().method(ask.method.clone()).uri(url.as_str());
        if let Some((header, value)) = ask.header {
            request = request.header(header, value);
        }
        let request = request.body(HttpRequestBody::empty());
        let mut request = request.map_err(|error| fail(error.into()))?;
        let credential = self.store.credentials().get_credential().await;
        let credential = credential.map_err(|error| fail(error.into()))?;
        AwsAuthorizer::new(&credential, "s3", &self.region).authorize(&mut request, None);
        let answer = self.http.execute(request).await.map_err(|error| fail(error.into()))?;
        let (head, body) = answer.into_parts();
        let body = body.bytes().await.map_err(|error| fail(error.into()))?;
        Ok(Answer { status: head.status, headers: head.headers, body })
    }
}

fn stranger(name: &impl ToString) -> ObjectName {
    ObjectName::Stranger(name.to_string())
}

/// Markers of the first page are empty.
fn is_said((key, value): &(&str, String)) -> bool {
    !value.is_empty() || !key.ends_with("-marker")
}

/// That an object is not there is an answer; that its bucket is not there is none.
fn is_answer(answer: &Answer) -> bool {
    let is_missing = answer.status == StatusCode::NOT_FOUND;
    answer.status.is_success()
        || (is_missing && !String::from_utf8_lossy(&answer.body).contains(NO_BUCKET))
}

/// Whether the same request may be answered later.
fn is_passing(status: StatusCode) -> bool {
    status.is_server_error()
        || status == StatusCode::TOO_MANY_REQUESTS
        || status == StatusCode::REQUEST_TIMEOUT
}

/// A page of versions.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Versions {
    #[serde(default)]
    is_truncated: bool,
    #[serde(rename = "NextKeyMarker")]
    next_key: Option<String>,
    #[serde(rename = "NextVersionIdMarker")]
    next_version: Option<String>,
    #[serde(default, rename = "Version")]
    versions: Vec<Version>,
    #[serde(default, rename = "DeleteMarker")]
    marks: Vec<Version>,
}

/// A version, or the mark of a deletion.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Version {
    key: String,
    #[serde(rename = "VersionId")]
    id: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_and_marks_may_stand_in_any_order() {
        let page: Versions = quick_xml::de::from_str(
            r#"<?xml version="1.0" encoding="UTF-8"?>
            <ListVersionsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
                <Name>bucket</Name><Prefix>my</Prefix><KeyMarker/><VersionIdMarker/>
                <MaxKeys>5</MaxKeys><IsTruncated>true</IsTruncated>
                <NextKeyMarker>k</NextKeyMarker><NextVersionIdMarker>v</NextVersionIdMarker>
                <Version><Key>a</Key><VersionId>1</VersionId><IsLatest>true</IsLatest>
                    <Owner><ID>o</ID></Owner></Version>
                <DeleteMarker><Key>b</Key><VersionId>2</VersionId></DeleteMarker>
                <Version><Key>b</Key><VersionId>null</VersionId></Version>
            </ListVersionsResult>"#,
        )
        .unwrap();
        assert!(page.is_truncated);
        assert_eq!(
            (page.next_key.as_deref(), page.next_version.as_deref()),
            (Some("k"), Some("v"))
        );
        let ids = |all: &[Version]| all.iter().map(|v| format!("{}{}", v.key, v.id)).collect();
        let (versions, marks): (Vec<String>, Vec<String>) = (ids(&page.versions), ids(&page.marks));
        assert_eq!((versions, marks), (vec!["a1".into(), "bnull".into()], vec!["b2".into()]));
    }
}
