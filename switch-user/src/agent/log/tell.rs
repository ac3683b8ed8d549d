//! An event in the words of people.

use std::net::IpAddr;

use switch_common::{
    addr::ip_from_words,
    event::Event,
    table::rules::{ACTION, ALLOW, REJECT, STAGED},
    verdict::Direction,
    wire::ipv6::ICMPV6,
};

use crate::{
    agent::{image::Holder, rule_names::RuleNames, scene::Scene},
    model::RuleAction,
    report::{LogEvent, protocol},
};

/// Protocol number of ICMP.
const ICMP: u16 = 1;
/// Numbers of the protocols that have ports: TCP, UDP and SCTP.
const WITH_PORTS: [u16; 3] = [6, 17, 132];

/// What an event says; `None` if its port or rule is gone.
pub(super) fn event(event: &Event, scene: &Scene, rules: &RuleNames, time: String) -> Option<LogEvent> {
    let rule = rules.get(event.rule)?;
    let Holder::Port(port) = scene.holders.get(&event.slot)? else { return None };
    // A network has fewer than 4096 numbers.
    let network = u16::try_from(event.network).unwrap_or_default();
    let direction = if event.direction == Direction::In as u32 { Direction::In } else { Direction::Out };
    let [source, destination] = addresses(event);
    let ports = ports(event);
    let icmp = icmp(event);
    Some(LogEvent {
        time,
        port: port.clone(),
        network: scene.name(network).map(str::to_owned),
        direction: direction.name().to_owned(),
        policy: rule.policy.clone(),
        rule: rule.rule().to_owned(),
        action: action(event.what),
        staged: event.what & STAGED != 0,
        protocol: is_ip(event).then(|| protocol(event.protocol)),
        source,
        destination,
        source_port: ports.map(|[source, _]| source),
        destination_port: ports.map(|[_, destination]| destination),
        icmp_type: icmp.map(|[kind, _]| kind),
        icmp_code: icmp.map(|[_, code]| code),
        ethertype: (!is_ip(event)).then(|| format!("{:#06x}", event.protocol)),
        octets: event.octets,
    })
}

const fn is_ip(event: &Event) -> bool {
    event.family != 0
}

const fn action(what: u64) -> RuleAction {
    match what & ACTION {
        ALLOW => RuleAction::Allow,
        REJECT => RuleAction::Reject,
        _ => RuleAction::Drop,
    }
}

fn addresses(event: &Event) -> [Option<IpAddr>; 2] {
    let address = |words| is_ip(event).then(|| ip_from_words(event.family.into(), words));
    [address(event.source), address(event.destination)]
}

fn ports(event: &Event) -> Option<[u16; 2]> {
    let [a, b, c, d] = event.ports.to_le_bytes();
    let has = is_ip(event) && WITH_PORTS.contains(&event.protocol);
    has.then(|| [u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])])
}

fn icmp(event: &Event) -> Option<[u8; 2]> {
    let [_, _, kind, code] = event.ports.to_le_bytes();
    let is = matches!((event.family, event.protocol), (4, ICMP)) || is_icmpv6(event);
    is.then_some([kind, code])
}

fn is_icmpv6(event: &Event) -> bool {
    event.family == 6 && event.protocol == u16::from(ICMPV6)
}

#[cfg(test)]
pub(super) mod tests {
    use switch_common::{
        addr::ip_words,
        table::rules::{DROP, LOG},
    };

    use super::*;
    use crate::{
        agent::{image::TableImage, rule_names::tests::web},
        classifier::{default_id, rule_id},
        model::{Desired, Network, Object, validate},
    };

    /// A scene with a network and a port.
    pub(in super::super) fn scene() -> Scene {
        scene_of([])
    }

    /// The same with further objects.
    pub(in super::super) fn scene_of(objects: impl IntoIterator<Item = Object>) -> Scene {
        let mut desired = Desired::default();
        objects.into_iter().for_each(|object| desired.put(object));
        let network = serde_json::json!({"name": "blue", "vlan": 10});
        desired.put(Object::Network(serde_json::from_value::<Network>(network).unwrap()));
        let names = [(3, Holder::Port("p1".into())), (4, Holder::Policy("web".into()))].into();
        let image = TableImage { names, ..TableImage::default() };
        Scene::new(std::sync::Arc::new(validate(&desired).unwrap()), image)
    }

    pub(in super::super) fn raw() -> Event {
        let address = |text: &str| ip_words(text.parse().unwrap());
        Event {
            rule: rule_id("web", "https"),
            what: ALLOW | LOG | STAGED,
            source: address("10.0.10.11"),
            destination: address("10.0.10.12"),
            ports: u32::from_le_bytes([0x9c, 0x40, 0x01, 0xbb]),
            family: 4,
            protocol: 6,
            slot: 3,
            direction: Direction::In as u32,
            network: 10,
            octets: 74,
            ..Event::default()
        }
    }

    /// A TCP packet that a staged rule would have allowed.
    pub(in super::super) fn event() -> LogEvent {
        told(&raw()).unwrap()
    }

    fn told(raw: &Event) -> Option<LogEvent> {
        super::event(raw, &scene(), &RuleNames::new(&web()), "now".into())
    }

    #[test]
    fn a_packet_is_told_with_its_ends_and_the_rule() {
        let expected = LogEvent {
            time: "now".into(),
            port: "p1".into(),
            network: Some("blue".into()),
            direction: "in".into(),
            policy: "web".into(),
            rule: "https".into(),
            action: RuleAction::Allow,
            staged: true,
            protocol: Some("tcp".into()),
            source: Some([10, 0, 10, 11].into()),
            destination: Some([10, 0, 10, 12].into()),
            source_port: Some(40_000),
            destination_port: Some(443),
            icmp_type: None,
            icmp_code: None,
            ethertype: None,
            octets: 74,
        };
        assert_eq!(event(), expected);
    }

    #[test]
    fn an_icmp_message_has_a_type_and_other_frames_an_ethertype() {
        let rule = default_id("web", Direction::Out);
        let out = Event { rule, what: DROP | LOG, direction: Direction::Out as u32, network: 99, ..raw() };
        let icmp = told(&Event { protocol: 1, ports: u32::from_le_bytes([0, 0, 3, 4]), ..out }).unwrap();
        assert_eq!(
            (icmp.protocol.as_deref(), icmp.icmp_type, icmp.icmp_code),
            (Some("icmp"), Some(3), Some(4))
        );
        assert_eq!((icmp.rule.as_str(), icmp.action, icmp.network), ("default", RuleAction::Drop, None));
        assert_eq!((icmp.direction.as_str(), icmp.source_port), ("out", None));
        let other = told(&Event { family: 0, protocol: 0x88cc, ..out }).unwrap();
        assert_eq!((other.ethertype.as_deref(), other.protocol, other.source), (Some("0x88cc"), None, None));
    }

    #[test]
    fn what_is_gone_is_not_told() {
        assert_eq!(told(&Event { rule: 1, ..raw() }), None);
        assert_eq!(told(&Event { slot: 9, ..raw() }), None);
        assert_eq!(told(&Event { slot: 4, ..raw() }), None);
    }
}
