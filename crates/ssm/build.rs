//! Makes the shapes of SSM from its model, and those of EC2 that it asks with.

fn main() {
    codegen::service("../../models/ssm/model.json").write("ssm_model.rs");
    codegen::service("../../models/ec2/model.json")
        .called(&["DescribeImages"])
        .write("ec2_called.rs");
}
