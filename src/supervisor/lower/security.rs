//! What a service may do, beside Docker's defaults.

use oci_spec::runtime::{Capabilities, Capability, LinuxCapabilities, LinuxSeccomp};

use super::{LowerError, LowerInput};
use crate::compose::model::Service;
use crate::name::ServiceName;
use crate::runtime::defaults::{CAPABILITIES, FURTHER_CAPABILITIES, capability_sets};

/// The capabilities of a service. Inheritable and ambient ones stay empty (CVE-2022-24769).
pub(super) fn capabilities(name: &ServiceName, service: &Service) -> Result<LinuxCapabilities, LowerError> {
    let named = |list: &[String]| -> Result<(bool, Capabilities), LowerError> {
        let all = list.iter().any(|capability| capability == "ALL");
        let named = list.iter().filter(|capability| *capability != "ALL").map(|capability| {
            let unknown = |_| LowerError::UnknownCapability { service: name.clone(), capability: capability.clone() };
            capability.parse::<Capability>().map_err(unknown)
        });
        Ok((all, named.collect::<Result<_, _>>()?))
    };
    let (add_all, add) = named(&service.cap_add)?;
    let (drop_all, drop) = named(&service.cap_drop)?;
    let everything = CAPABILITIES.into_iter().chain(FURTHER_CAPABILITIES);
    let usual: Capabilities = if service.privileged { everything.clone().collect() } else { CAPABILITIES.into() };
    // The rules of Docker: adding all beats dropping all, and what is added by name beats what is dropped by name. Only
    // that Docker drops nothing of a privileged container.
    let kept: Capabilities = match (add_all, drop_all) {
        (true, _) => everything.filter(|capability| !drop.contains(capability)).collect(),
        (false, true) => add.into_iter().collect(),
        (false, false) => usual.into_iter().filter(|capability| !drop.contains(capability)).chain(add).collect(),
    };
    Ok(capability_sets(kept))
}

/// The filter of the service's own profile.
pub(super) fn seccomp(input: &LowerInput) -> Result<Option<LinuxSeccomp>, LowerError> {
    let Some(profile) = input.profile else { return Ok(None) };
    let capabilities = capabilities(input.name, input.service)?;
    Ok(profile.resolve(capabilities.bounding().as_ref().unwrap_or(&Capabilities::new()), input.kernel))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::ImageReference;

    fn kept(add: &[&str], drop: &[&str]) -> Result<Capabilities, LowerError> {
        kept_of(Service::new(ImageReference::parse("busybox").unwrap()), add, drop)
    }

    fn kept_of(mut service: Service, add: &[&str], drop: &[&str]) -> Result<Capabilities, LowerError> {
        let words = |list: &[&str]| list.iter().map(|word| (*word).to_owned()).collect();
        (service.cap_add, service.cap_drop) = (words(add), words(drop));
        let capabilities = capabilities(&ServiceName::new("web").unwrap(), &service)?;
        assert_eq!(capabilities.bounding(), capabilities.effective());
        assert_eq!(capabilities.bounding(), capabilities.permitted());
        assert_eq!(capabilities.inheritable().as_ref().unwrap().len(), 0);
        assert_eq!(capabilities.ambient().as_ref().unwrap().len(), 0);
        Ok(capabilities.bounding().iter().flatten().copied().collect())
    }

    #[test]
    fn adding_and_dropping() {
        let admin = Capability::NetAdmin;
        assert_eq!(kept(&[], &[]).unwrap(), Capabilities::from(CAPABILITIES));
        assert_eq!(kept(&["NET_ADMIN"], &["ALL"]).unwrap(), Capabilities::from([admin]));
        assert_eq!(kept(&["NET_ADMIN"], &["CHOWN"]).unwrap().len(), 14);
        assert_eq!(kept(&["ALL"], &["ALL"]).unwrap().len(), 41);
        let all_but_one = kept(&["ALL"], &["NET_ADMIN"]).unwrap();
        assert!(all_but_one.len() == 40 && !all_but_one.contains(&admin));
        assert_eq!(kept(&[], &["ALL"]).unwrap().len(), 0);
    }

    #[test]
    fn everything_but_what_is_dropped() {
        let mut service = Service::new(ImageReference::parse("busybox").unwrap());
        service.privileged = true;
        let kept = |add: &[&str], drop: &[&str]| kept_of(service.clone(), add, drop).unwrap();
        assert_eq!(kept(&[], &[]).len(), 41);
        assert_eq!(kept(&["CHOWN"], &["SYS_BOOT", "CHOWN"]).len(), 40);
        assert_eq!(kept(&["CHOWN"], &["ALL"]), Capabilities::from([Capability::Chown]));
    }

    #[test]
    fn a_name_that_is_none() {
        assert_eq!(
            kept(&["CAP_FLY"], &[]).unwrap_err().to_string(),
            "service `web` names an unknown capability `CAP_FLY`"
        );
    }
}
