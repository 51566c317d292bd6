# A company's IAM in one stack: people, groups, roles, policies. Only AWS_ENDPOINT_URL and keys
# come from outside; no endpoints block and no skip_* switch.
terraform {
  required_providers {
    aws = {
      source = "hashicorp/aws"
    }
  }
}

provider "aws" {
  default_tags {
    tags = { stack = "iam" }
  }
}

data "aws_caller_identity" "here" {}

data "aws_iam_policy_document" "ec2_trust" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["ec2.amazonaws.com"]
    }
  }
}

data "aws_iam_policy_document" "partner_trust" {
  statement {
    actions = ["sts:AssumeRole", "sts:TagSession"]
    principals {
      type        = "AWS"
      identifiers = ["arn:aws:iam::${data.aws_caller_identity.here.account_id}:root"]
    }
    condition {
      test     = "StringEquals"
      variable = "sts:ExternalId"
      values   = ["handshake"]
    }
  }
}

data "aws_iam_policy_document" "photos" {
  statement {
    sid       = "Read"
    actions   = ["s3:GetObject", "s3:ListBucket"]
    resources = ["arn:aws:s3:::photos", "arn:aws:s3:::photos/$${aws:username}/*"]
  }
  statement {
    effect    = "Deny"
    actions   = ["s3:DeleteObject"]
    resources = ["*"]
    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}

resource "aws_iam_account_alias" "house" {
  account_alias = "house-${data.aws_caller_identity.here.account_id}"
}

resource "aws_iam_policy" "photos" {
  name        = "photos"
  path        = "/team/"
  description = "Reads one's own photos"
  policy      = data.aws_iam_policy_document.photos.json
}

resource "aws_iam_policy" "edge" {
  name   = "edge"
  policy = var.edge
}

variable "edge" {
  default = <<-JSON
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["s3:*", "iam:Get*"], "Resource": "*"}]}
  JSON
}

resource "aws_iam_group" "ops" {
  name = "ops"
  path = "/team/"
}

resource "aws_iam_group_policy" "ops" {
  name   = "inline"
  group  = aws_iam_group.ops.name
  policy = data.aws_iam_policy_document.photos.json
}

resource "aws_iam_group_policy_attachment" "ops" {
  group      = aws_iam_group.ops.name
  policy_arn = aws_iam_policy.photos.arn
}

resource "aws_iam_user" "person" {
  for_each             = toset(["alice", "bob"])
  name                 = each.key
  path                 = "/team/"
  permissions_boundary = aws_iam_policy.edge.arn
  force_destroy        = true
  tags                 = { name = each.key }
}

resource "aws_iam_user_policy" "alice" {
  name   = "inline"
  user   = aws_iam_user.person["alice"].name
  policy = data.aws_iam_policy_document.photos.json
}

resource "aws_iam_user_policy_attachment" "bob" {
  user       = aws_iam_user.person["bob"].name
  policy_arn = "arn:aws:iam::aws:policy/ReadOnlyAccess"
}

resource "aws_iam_access_key" "alice" {
  user = aws_iam_user.person["alice"].name
}

resource "aws_iam_group_membership" "ops" {
  name  = "ops"
  group = aws_iam_group.ops.name
  users = [for person in aws_iam_user.person : person.name]
}

resource "aws_iam_role" "web" {
  name                 = "web"
  description          = "the web tier"
  assume_role_policy   = data.aws_iam_policy_document.ec2_trust.json
  max_session_duration = 7200
  permissions_boundary = aws_iam_policy.edge.arn
  tags                 = { tier = "web" }
}

resource "aws_iam_role" "partner" {
  name               = "partner"
  assume_role_policy = data.aws_iam_policy_document.partner_trust.json
}

resource "aws_iam_role_policy" "web" {
  name   = "inline"
  role   = aws_iam_role.web.id
  policy = data.aws_iam_policy_document.photos.json
}

resource "aws_iam_role_policy_attachment" "web" {
  for_each = {
    own = aws_iam_policy.photos.arn
    ssm = data.aws_iam_policy.ssm.arn
  }
  role       = aws_iam_role.web.name
  policy_arn = each.value
}

resource "aws_iam_instance_profile" "web" {
  name = "web"
  role = aws_iam_role.web.name
}

resource "aws_iam_account_password_policy" "strict" {
  minimum_password_length = 14
  require_symbols         = true
}

resource "aws_iam_service_linked_role" "autoscaling" {
  aws_service_name = "autoscaling.amazonaws.com"
}

data "aws_iam_policy" "ssm" {
  name = "AmazonSSMManagedInstanceCore"
}

output "account" {
  value = data.aws_caller_identity.here.account_id
}

output "alice_key" {
  value = aws_iam_access_key.alice.id
}
