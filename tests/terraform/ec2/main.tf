# One web server as people make it: the newest AMI, a key, a group, a role, disks of its own, a
# fixed address, and a template for the next ones. Only AWS_ENDPOINT_URL and keys come from
# outside; no endpoints block and no skip_* switch.
terraform {
  required_providers {
    aws = {
      source = "hashicorp/aws"
    }
  }
}

provider "aws" {
  default_tags {
    tags = { stack = "ec2" }
  }
}

variable "public_key" {
  type = string
}

variable "instance_type" {
  type    = string
  default = "t3.micro"
}

variable "stage" {
  type    = string
  default = "test"
}

variable "web_from" {
  type    = string
  default = "0.0.0.0/0"
}

data "aws_ami" "newest" {
  most_recent = true
  owners      = ["amazon"]

  filter {
    name   = "name"
    values = ["al2023-ami-2023.*-x86_64"]
  }
  filter {
    name   = "virtualization-type"
    values = ["hvm"]
  }
  filter {
    name   = "state"
    values = ["available"]
  }
}

data "aws_ssm_parameter" "al2023" {
  name = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
}

data "aws_vpc" "default" {
  default = true
}

data "aws_subnets" "default" {
  filter {
    name   = "vpc-id"
    values = [data.aws_vpc.default.id]
  }
}

data "aws_subnet" "here" {
  id = sort(data.aws_subnets.default.ids)[0]
}

data "aws_ec2_instance_type" "chosen" {
  instance_type = var.instance_type
}

resource "aws_key_pair" "admin" {
  key_name   = "admin"
  public_key = var.public_key
}

resource "aws_security_group" "web" {
  name        = "web-server"
  description = "What reaches the web server"
  vpc_id      = data.aws_vpc.default.id

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_vpc_security_group_ingress_rule" "ssh" {
  security_group_id = aws_security_group.web.id
  cidr_ipv4         = data.aws_vpc.default.cidr_block
  ip_protocol       = "tcp"
  from_port         = 22
  to_port           = 22
}

resource "aws_vpc_security_group_ingress_rule" "web" {
  security_group_id = aws_security_group.web.id
  cidr_ipv4         = var.web_from
  ip_protocol       = "tcp"
  from_port         = 80
  to_port           = 80
}

resource "aws_vpc_security_group_egress_rule" "all" {
  security_group_id = aws_security_group.web.id
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "-1"
}

resource "aws_iam_role" "web" {
  name = "web-server"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "ec2.amazonaws.com" }
    }]
  })
}

resource "aws_iam_instance_profile" "web" {
  name = "web-server"
  role = aws_iam_role.web.name
}

resource "aws_instance" "web" {
  ami                    = data.aws_ami.newest.id
  instance_type          = data.aws_ec2_instance_type.chosen.instance_type
  subnet_id              = data.aws_subnet.here.id
  key_name               = aws_key_pair.admin.key_name
  vpc_security_group_ids = [aws_security_group.web.id]
  iam_instance_profile   = aws_iam_instance_profile.web.name

  user_data = <<-SCRIPT
    #!/bin/sh
    echo "made by user data on $(hostname)"
  SCRIPT

  root_block_device {
    volume_size = 9
    volume_type = "gp3"
    tags        = { Name = "web-root" }
  }

  metadata_options {
    http_tokens                 = "required"
    http_put_response_hop_limit = 2
    instance_metadata_tags      = "enabled"
  }

  tags = {
    Name  = "web"
    stage = var.stage
  }
}

resource "aws_ebs_volume" "data" {
  availability_zone = aws_instance.web.availability_zone
  size              = 2
  type              = "gp3"
  tags              = { Name = "web-data" }
}

resource "aws_volume_attachment" "data" {
  device_name = "/dev/sdf"
  volume_id   = aws_ebs_volume.data.id
  instance_id = aws_instance.web.id
}

resource "aws_network_interface" "second" {
  subnet_id       = data.aws_subnet.here.id
  security_groups = [aws_security_group.web.id]
}

resource "aws_eip" "web" {
  domain   = "vpc"
  instance = aws_instance.web.id
}

resource "aws_launch_template" "next" {
  name                   = "web-server"
  image_id               = data.aws_ami.newest.id
  instance_type          = "t3.nano"
  key_name               = aws_key_pair.admin.key_name
  update_default_version = true

  iam_instance_profile {
    name = aws_iam_instance_profile.web.name
  }
  metadata_options {
    http_tokens = "required"
  }
  block_device_mappings {
    device_name = data.aws_ami.newest.root_device_name
    ebs {
      volume_size           = 9
      volume_type           = "gp3"
      delete_on_termination = true
    }
  }
  network_interfaces {
    associate_public_ip_address = true
    security_groups             = [aws_security_group.web.id]
  }
  tag_specifications {
    resource_type = "instance"
    tags          = { Name = "web" }
  }
}

resource "aws_instance" "worker" {
  launch_template {
    id      = aws_launch_template.next.id
    version = "$Latest"
  }
}

output "instance" {
  value = aws_instance.web.id
}

output "same_image" {
  value = nonsensitive(data.aws_ssm_parameter.al2023.value) == data.aws_ami.newest.id
}

output "address" {
  value = aws_eip.web.public_ip
}

output "interface" {
  value = aws_network_interface.second.id
}
