//! STS's operations, each in the file of its noun.

use aws::{Call, Check, Error};

use crate::sts::{Sts, access_key_info, assume_role, caller_identity, model, session_token};

impl model::Operations for Sts {
    async fn checks(&self, call: &Call, input: &model::Input) -> Result<Vec<Check>, Error> {
        Ok(self.table(call, input).await?)
    }

    async fn assume_role(
        &self,
        call: &Call,
        input: model::AssumeRoleRequest,
    ) -> Result<model::AssumeRoleResponse, Error> {
        Ok(assume_role::assume(self, call, input).await?)
    }

    async fn get_access_key_info(
        &self,
        _: &Call,
        input: model::GetAccessKeyInfoRequest,
    ) -> Result<model::GetAccessKeyInfoResponse, Error> {
        Ok(access_key_info::get(self, input).await?)
    }

    async fn get_caller_identity(
        &self,
        call: &Call,
        _: model::GetCallerIdentityRequest,
    ) -> Result<model::GetCallerIdentityResponse, Error> {
        Ok(caller_identity::get(call)?)
    }

    async fn get_session_token(
        &self,
        call: &Call,
        input: model::GetSessionTokenRequest,
    ) -> Result<model::GetSessionTokenResponse, Error> {
        Ok(session_token::get(self, call, input)?)
    }
}
