//! What docker compose refuses must be refused, what it accepts accepted.

use crate::messages;

#[test]
fn refused() {
    let secret = "services: {a: {image: x}}\nsecrets: {s: {file: f, environment: E}}";
    for (text, expected) in [
        (
            "services: {a: {image: x, environment: {A: [1]}}}",
            "`A` in service `a` must be a string, number or boolean, found a list",
        ),
        ("services: {a: {}}", "service `a` has neither an image nor a build context"),
        (
            "services: {a: {image: x, scale: 3, deploy: {replicas: 2}}}",
            "service `a`: `scale` and `deploy.replicas` differ",
        ),
        (secret, "secret `s`: `file` and `environment` exclude each other"),
        ("services: {a: {image: x}}\nsecrets: {s: }", "`s` in the compose file must be a mapping, found nothing"),
        ("services: {a: {image: x, networks: [q]}}", "service `a` refers to undefined network `q`"),
        ("services: {a: {image: x, volumes: ['q:/q']}}", "service `a` refers to undefined volume `q`"),
        ("services: {a: {image: x, secrets: [q]}}", "service `a` refers to undefined secret `q`"),
        ("services: {a: {image: x, configs: [q]}}", "service `a` refers to undefined config `q`"),
        ("services: {a: {image: x, depends_on: [z]}}", "service `a` refers to undefined service `z`"),
        (
            "services: {a: {image: x, ports: ['zz:80:80']}}",
            "invalid `host_ip` in `ports` of service `a`: `zz` is not an IP address",
        ),
        (
            "services: {a: {image: x, mem_limit: 5q}}",
            "invalid `mem_limit` in service `a`: `5q` is not a size such as `512m` or `1.5gb`",
        ),
        (
            "services: {a: {image: x, stop_grace_period: 5}}",
            "`stop_grace_period` in service `a` must be a string, found a number",
        ),
        (
            "services: {a: {image: x, stop_grace_period: 5x}}",
            "invalid `stop_grace_period` in service `a`: unknown unit `x` in the duration `5x`",
        ),
        (
            "services: {a: {image: x, env_file: no.env}}",
            "invalid `path` in `env_file` of service `a`: there is no file `/shop/no.env`",
        ),
        (
            "services: {a: {image: x, ports: ['99999:80']}}",
            "invalid `ports`: `99999` is not a port between 1 and 65535",
        ),
        (
            "services: {a: {image: x, pull_policy: foo}}",
            "invalid `pull_policy` in service `a`: must be `always`, `missing` or `never`",
        ),
        ("services: [a]", "`services` in the compose file must be a mapping, found a list"),
        ("", "empty compose file"),
        ("services: {a: {image: x, foo: 1}}", "unknown key `foo` in service `a`"),
        (
            "services: {a: {image: x, network_mode: host, networks: [default]}}",
            "service `a`: `network_mode` and `networks` exclude each other",
        ),
        (
            "services: {a b: {image: x}}",
            "invalid service name `a b`: must consist only of letters, digits, `.`, `_` and `-`",
        ),
        ("services: {a: {image: x, tmpfs: /t, volumes: [/t]}}", "service `a`: two mounts at `/t`"),
        (
            "services: {a: {image: x}, b: {image: x, depends_on: [a], container_name: c1}, c: {image: x, container_name: c1}}",
            "two services have the container name `c1`",
        ),
        (
            "services: {a: {image: x, container_name: c1, scale: 2}}",
            "invalid `container_name` in service `a`: a service with a container name cannot have more than one container",
        ),
        (
            "services: {a: {image: x}}\nvolumes: {v: {external: true, labels: {a: b}}}",
            "volume `v` is external and cannot have `labels`",
        ),
    ] {
        assert_eq!(messages(text), [expected], "{text}");
    }
}

#[test]
fn not_supported_yet_is_said() {
    for (text, expected) in [
        ("services: {a: {image: x, build: .}}", "`build` in service `a` is not supported yet"),
        ("services: {a: {build: .}}", "`build` in service `a` is not supported yet"),
        ("services: {a: {image: x, tty: true}}", "`tty: true` in service `a` is not supported yet"),
        ("services: {a: {image: x, logging: {driver: none}}}", "`logging` in service `a` is not supported yet"),
        (
            "services: {a: {image: x, platform: linux/arm64}}",
            "`platform: linux/arm64` in service `a` is not supported yet",
        ),
        (
            "services: {a: {image: x, network_mode: 'service:b'}}",
            "`network_mode: service:b` in service `a` is not supported yet",
        ),
        (
            "services: {a: {image: x}}\nnetworks: {n: {driver: macvlan}}",
            "`driver: macvlan` in network `n` is not supported yet",
        ),
        (
            "services: {a: {image: x}}\nvolumes: {v: {driver_opts: {a: b}}}",
            "`driver_opts` in volume `v` is not supported yet",
        ),
        ("include: [a.yaml]\nservices: {a: {image: x}}", "`include` in the compose file is not supported yet"),
    ] {
        assert_eq!(messages(text), [expected], "{text}");
    }
}

#[test]
fn accepted() {
    for text in [
        "services: {a: {image: x, labels: [a=1, a=2]}}",
        "services: {a: {image: x, volumes: ['a:/t', 'b:/t']}}\nvolumes: {a: , b: }",
        "services: {a: {image: x, ulimits: {NOFILE: 1}}}",
        "services: {a: {image: x, healthcheck: {test: 'true', start_interval: 1s}}}",
        "services: {a: {image: x, labels: {com.docker.compose.project: p}}}",
        "services: {a: {image: x, tty: false, stdin_open: false, privileged: false, platform: linux/amd64}}",
        "services: {a: {image: x, x-any: [1], expose: [80, 81-82/udp]}}\nx-top: ${a",
        "services: {a: {image: x, init: 'true', scale: '2'}}",
        "services: {a: {image: x, ports: , environment: , volumes: }}",
        "services: {a: {image: x, restart: no}}",
        "services: {}",
        "!reset {}",
        "\u{feff}services: {a: {image: x}}\r\n",
    ] {
        assert_eq!(messages(text), [] as [&str; 0], "{text}");
    }
}
