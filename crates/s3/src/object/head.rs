//! HeadObject: everything GetObject says, without the bytes.
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html>

use aws::{Call, Error};

use super::get::{Method, answer};
use crate::S3;
use crate::model::{GetObjectOutput, GetObjectRequest, HeadObjectOutput, HeadObjectRequest};

pub async fn head(
    s3: &S3,
    call: &Call,
    input: HeadObjectRequest,
) -> Result<HeadObjectOutput, Error> {
    answer(s3, call, &as_get(input), Method::Head).await.map(without_bytes)
}

fn as_get(input: HeadObjectRequest) -> GetObjectRequest {
    GetObjectRequest {
        bucket: input.bucket,
        if_match: input.if_match,
        if_modified_since: input.if_modified_since,
        if_none_match: input.if_none_match,
        if_unmodified_since: input.if_unmodified_since,
        key: input.key,
        range: input.range,
        response_cache_control: input.response_cache_control,
        response_content_disposition: input.response_content_disposition,
        response_content_encoding: input.response_content_encoding,
        response_content_language: input.response_content_language,
        response_content_type: input.response_content_type,
        response_expires: input.response_expires,
        version_id: input.version_id,
        sse_customer_algorithm: input.sse_customer_algorithm,
        sse_customer_key: input.sse_customer_key,
        sse_customer_key_md5: input.sse_customer_key_md5,
        request_payer: input.request_payer,
        part_number: input.part_number,
        expected_bucket_owner: input.expected_bucket_owner,
        checksum_mode: input.checksum_mode,
    }
}

fn without_bytes(get: GetObjectOutput) -> HeadObjectOutput {
    HeadObjectOutput {
        delete_marker: get.delete_marker,
        accept_ranges: get.accept_ranges,
        expiration: get.expiration,
        restore: get.restore,
        archive_status: None,
        last_modified: get.last_modified,
        content_length: get.content_length,
        checksum_crc32: get.checksum_crc32,
        checksum_crc32_c: get.checksum_crc32_c,
        checksum_crc64_nvme: get.checksum_crc64_nvme,
        checksum_sha1: get.checksum_sha1,
        checksum_sha256: get.checksum_sha256,
        checksum_sha512: get.checksum_sha512,
        checksum_md5: get.checksum_md5,
        checksum_xxhash64: get.checksum_xxhash64,
        checksum_xxhash3: get.checksum_xxhash3,
        checksum_xxhash128: get.checksum_xxhash128,
        checksum_type: get.checksum_type,
        e_tag: get.e_tag,
        missing_meta: get.missing_meta,
        version_id: get.version_id,
        cache_control: get.cache_control,
        content_disposition: get.content_disposition,
        content_encoding: get.content_encoding,
        content_language: get.content_language,
        content_type: get.content_type,
        content_range: get.content_range,
        expires: get.expires,
        website_redirect_location: get.website_redirect_location,
        server_side_encryption: get.server_side_encryption,
        metadata: get.metadata,
        sse_customer_algorithm: get.sse_customer_algorithm,
        sse_customer_key_md5: get.sse_customer_key_md5,
        ssekms_key_id: get.ssekms_key_id,
        bucket_key_enabled: get.bucket_key_enabled,
        storage_class: get.storage_class,
        request_charged: get.request_charged,
        replication_status: get.replication_status,
        parts_count: get.parts_count,
        tag_count: get.tag_count,
        object_lock_mode: get.object_lock_mode,
        object_lock_retain_until_date: get.object_lock_retain_until_date,
        object_lock_legal_hold_status: get.object_lock_legal_hold_status,
    }
}
