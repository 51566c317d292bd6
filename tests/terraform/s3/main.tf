# A company's buckets in one stack: assets with a website and CORS, logs that expire, records that
# nobody may delete. Only AWS_ENDPOINT_URL and keys come from outside.
terraform {
  required_providers {
    aws = {
      source = "hashicorp/aws"
    }
  }
}

provider "aws" {
  default_tags {
    tags = { stack = "s3" }
  }
}

variable "suffix" {}

variable "cached_seconds" {
  default = 3000
}

# The provider watches a lifecycle configuration for a minute before it believes it.
variable "with_lifecycle" {
  type    = bool
  default = false
}

data "aws_caller_identity" "here" {}

resource "aws_s3_bucket" "assets" {
  bucket        = "assets-${var.suffix}"
  force_destroy = true
  tags          = { purpose = "assets" }
}

resource "aws_s3_bucket_versioning" "assets" {
  bucket = aws_s3_bucket.assets.id
  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_ownership_controls" "assets" {
  bucket = aws_s3_bucket.assets.id
  rule {
    object_ownership = "BucketOwnerPreferred"
  }
}

resource "aws_s3_bucket_public_access_block" "assets" {
  bucket                  = aws_s3_bucket.assets.id
  block_public_acls       = false
  block_public_policy     = false
  ignore_public_acls      = false
  restrict_public_buckets = false
}

resource "aws_s3_bucket_acl" "assets" {
  bucket     = aws_s3_bucket.assets.id
  acl        = "public-read"
  depends_on = [aws_s3_bucket_ownership_controls.assets, aws_s3_bucket_public_access_block.assets]
}

data "aws_iam_policy_document" "assets" {
  statement {
    sid       = "Public"
    actions   = ["s3:GetObject"]
    resources = ["${aws_s3_bucket.assets.arn}/*"]
    principals {
      type        = "*"
      identifiers = ["*"]
    }
  }
  statement {
    sid       = "Own"
    actions   = ["s3:PutObject", "s3:DeleteObject"]
    resources = ["${aws_s3_bucket.assets.arn}/*"]
    principals {
      type        = "AWS"
      identifiers = ["arn:aws:iam::${data.aws_caller_identity.here.account_id}:root"]
    }
  }
}

resource "aws_s3_bucket_policy" "assets" {
  bucket     = aws_s3_bucket.assets.id
  policy     = data.aws_iam_policy_document.assets.json
  depends_on = [aws_s3_bucket_public_access_block.assets]
}

resource "aws_s3_bucket_cors_configuration" "assets" {
  bucket = aws_s3_bucket.assets.id
  cors_rule {
    allowed_headers = ["*"]
    allowed_methods = ["GET", "PUT"]
    allowed_origins = ["https://example.com"]
    expose_headers  = ["ETag"]
    max_age_seconds = var.cached_seconds
  }
}

resource "aws_s3_bucket_website_configuration" "assets" {
  bucket = aws_s3_bucket.assets.id
  index_document {
    suffix = "index.html"
  }
  error_document {
    key = "error.html"
  }
  routing_rule {
    condition {
      key_prefix_equals = "old/"
    }
    redirect {
      replace_key_prefix_with = "new/"
    }
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "assets" {
  bucket = aws_s3_bucket.assets.id
  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_object" "index" {
  bucket       = aws_s3_bucket.assets.id
  key          = "index.html"
  content      = "<h1>from Terraform</h1>"
  content_type = "text/html"
  tags         = { page = "index" }
  depends_on   = [aws_s3_bucket_versioning.assets]
}

resource "aws_s3_object_copy" "copy" {
  bucket     = aws_s3_bucket.assets.id
  key        = "copy.html"
  source     = "${aws_s3_bucket.assets.id}/${aws_s3_object.index.key}"
  tags       = { page = "copy" }

  tagging_directive = "REPLACE"
  depends_on = [aws_s3_bucket_versioning.assets]
}

resource "aws_s3_bucket" "logs" {
  bucket        = "logs-${var.suffix}"
  force_destroy = true
}

resource "aws_s3_bucket_lifecycle_configuration" "logs" {
  count  = var.with_lifecycle ? 1 : 0
  bucket = aws_s3_bucket.logs.id
  rule {
    id     = "expire"
    status = "Enabled"
    filter {
      prefix = "log/"
    }
    transition {
      days          = 7
      storage_class = "GLACIER"
    }
    expiration {
      days = 30
    }
  }
  rule {
    id     = "uploads"
    status = "Enabled"
    filter {}
    abort_incomplete_multipart_upload {
      days_after_initiation = 3
    }
  }
}

resource "aws_s3_bucket" "records" {
  bucket              = "records-${var.suffix}"
  object_lock_enabled = true
}

resource "aws_s3_bucket_object_lock_configuration" "records" {
  bucket = aws_s3_bucket.records.id
  rule {
    default_retention {
      mode = "GOVERNANCE"
      days = 1
    }
  }
}

data "aws_s3_objects" "assets" {
  bucket     = aws_s3_bucket.assets.id
  depends_on = [aws_s3_object.index, aws_s3_object_copy.copy]
}

output "keys" {
  value = join(",", data.aws_s3_objects.assets.keys)
}

output "website" {
  value = aws_s3_bucket_website_configuration.assets.website_endpoint
}
