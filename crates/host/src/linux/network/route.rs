//! A subnet's routes as ranges that do not overlap: what the longest prefix says, for every
//! address.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::ops::RangeInclusive;

use ipnet::Ipv4Net;

use crate::{Route, RouteTarget};

/// Services in the network have these addresses; no route leads there.
pub(super) const LINK_LOCAL: Ipv4Net = Ipv4Net::new_assert(Ipv4Addr::new(169, 254, 0, 0), 16);

/// In the order of addresses; those of `local` blocks are left out.
pub(super) fn ranges<'a>(
    routes: &'a [Route],
    local: &[Ipv4Net],
) -> Vec<(RangeInclusive<Ipv4Addr>, &'a RouteTarget)> {
    let blocks = routes.iter().map(|route| &route.destination).chain(local).chain([&LINK_LOCAL]);
    let mut starts = BTreeSet::from([0_u64]);
    for block in blocks {
        starts.insert(u64::from(u32::from(block.network())));
        starts.insert(u64::from(u32::from(block.broadcast())) + 1);
    }
    let ends = starts.iter().skip(1).copied().chain([1 << 32]);
    let mut found: Vec<(RangeInclusive<Ipv4Addr>, &RouteTarget)> = Vec::new();
    for (start, end) in starts.iter().zip(ends) {
        let (Ok(first), Ok(last)) = (u32::try_from(*start), u32::try_from(end - 1)) else {
            continue;
        };
        let Some(target) = lookup(routes, local, first.into()) else { continue };
        match found.last_mut() {
            Some((range, same))
                if *same == target && u32::from(*range.end()).checked_add(1) == Some(first) =>
            {
                *range = *range.start()..=last.into();
            }
            _ => found.push((first.into()..=last.into(), target)),
        }
    }
    found
}

/// What the routes say of one address.
pub(super) fn lookup<'a>(
    routes: &'a [Route],
    local: &[Ipv4Net],
    address: Ipv4Addr,
) -> Option<&'a RouteTarget> {
    if LINK_LOCAL.contains(&address) || local.iter().any(|block| block.contains(&address)) {
        return None;
    }
    let matching = routes.iter().filter(|route| route.destination.contains(&address));
    matching.max_by_key(|route| route.destination.prefix_len()).map(|route| &route.target)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(destination: &str, target: RouteTarget) -> Route {
        Route { destination: destination.parse().unwrap(), target }
    }

    fn check(routes: &[Route], expected: &[(&str, &str, RouteTarget)]) {
        let local = ["10.0.0.0/16".parse().unwrap()];
        let found: Vec<_> = ranges(routes, &local)
            .into_iter()
            .map(|(range, target)| (range.start().to_string(), range.end().to_string(), target))
            .collect();
        let expected: Vec<_> =
            expected.iter().map(|(a, b, target)| ((*a).into(), (*b).into(), target)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn ranges_are_what_the_longest_prefix_says() {
        use RouteTarget::{Blackhole, Internet, Nat};
        let nat = Nat(Ipv4Addr::new(198, 18, 0, 9));
        check(&[], &[]);
        check(
            &[route("0.0.0.0/0", Internet)],
            &[
                ("0.0.0.0", "9.255.255.255", Internet),
                ("10.1.0.0", "169.253.255.255", Internet),
                ("169.255.0.0", "255.255.255.255", Internet),
            ],
        );
        check(
            &[
                route("20.0.0.0/8", nat.clone()),
                route("20.1.0.0/16", Blackhole),
                route("20.1.2.3/32", Internet),
            ],
            &[
                ("20.0.0.0", "20.0.255.255", nat.clone()),
                ("20.1.0.0", "20.1.2.2", Blackhole),
                ("20.1.2.3", "20.1.2.3", Internet),
                ("20.1.2.4", "20.1.255.255", Blackhole),
                ("20.2.0.0", "20.255.255.255", nat),
            ],
        );
        check(&[route("10.0.1.0/24", Internet)], &[]);
        check(
            &[route("128.0.0.0/2", Blackhole), route("192.0.0.0/2", Blackhole)],
            &[
                ("128.0.0.0", "169.253.255.255", Blackhole),
                ("169.255.0.0", "255.255.255.255", Blackhole),
            ],
        );
    }
}
