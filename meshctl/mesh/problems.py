"""The codes of what entries get wrong about each other: references and conflicts (MSH03xx)."""

from meshctl.problems import Code

UNKNOWN_SERVICE = Code(
    "MSH0301",
    "unknown service",
    why="A call to a service that nobody declares could only fail.",
    bad="uses: [acounts]",
    good="uses: [accounts]",
)
UNKNOWN_VERSION = Code(
    "MSH0302",
    "unknown version",
    why="Traffic for a version that does not exist could only fail.",
    bad="to: voice/v9",
    good="to: voice/v2",
)
UNKNOWN_GATEWAY = Code(
    "MSH0303",
    "unknown gateway",
    why="What is exposed at a gateway that nobody declares is reachable nowhere.",
    bad="expose: [{on: egde, host: api.example.com}]",
    good="expose: [{on: edge, host: api.example.com}]",
)
UNKNOWN_TENANT = Code(
    "MSH0304",
    "unknown team or service",
    why="A site that is opened to a misspelt team stays closed to the one that was meant.",
    bad="open_to: {voce: [/2010-04-01/**]}",
    good="open_to: {voice: [/2010-04-01/**]}",
)
NOTHING_ASKED = Code(
    "MSH0305",
    "a check that asks nothing",
    why="How often endpoints are asked is of no use where nobody says what they are asked.",
    bad="health: {interval: 2s}",
    good="health: {path: /healthz, interval: 2s}",
)
NOT_IN_PROTOCOL = Code(
    "MSH0306",
    "a check that the protocol does not know",
    why="gRPC's health service is asked over HTTP/2; Envoy refuses to ask it over HTTP/1.1.",
    bad="protocol: http, health: {grpc: {}}",
    good="protocol: grpc, health: {grpc: {}}",
)
DUPLICATE_NAME = Code(
    "MSH0311",
    "name declared twice",
    why="Two entries of one kind and name would take turns.",
    bad="catalog/a/voice.yaml and catalog/b/voice.yaml",
    good="catalog/a/voice.yaml",
)
DUPLICATE_HOST = Code(
    "MSH0312",
    "host claimed twice",
    why="Envoy refuses every route of a proxy that is given one host twice.",
    bad="aliases: [voice.internal], in two services",
    good="aliases: [voice.internal], in one of them",
)
DUPLICATE_SITE = Code(
    "MSH0313",
    "site declared twice",
    why="A host has one list of routes; in two sites of a gateway, one of them would never be asked.",
    bad="sites: [{hosts: [a.example.com]}, {hosts: [A.example.com]}]",
    good="sites: [{hosts: [a.example.com]}]",
)
OVERLAPPING_EXPOSE = Code(
    "MSH0314",
    "path claimed twice",
    why="Two teams that expose the same requests would depend on the order of their files.",
    bad="expose /a/** in voice and /a/b in chat",
    good="expose /a/** in voice and /b/** in chat",
)
PORT_CLASH = Code(
    "MSH0315",
    "address taken",
    why="Two listeners of one proxy cannot have one address.",
    bad='listeners: [{bind: "0.0.0.0:80"}, {bind: "127.0.0.1:80"}]',
    good='listeners: [{bind: "0.0.0.0:80"}]',
)
NOT_OPEN = Code(
    "MSH0321",
    "not open to this service",
    why="The gateway's team decides which hosts and paths it gives away.",
    bad="expose: [{on: edge, host: www.example.com}]",
    good="a site of the gateway with open_to: {voice: [/calls/**]}, and expose within it",
)
WRONG_WAY = Code(
    "MSH0322",
    "a way that the service's protocol cannot go",
    why="Requests need routes, and connections that are passed on as they are have none.",
    bad="routes: [{to: mysql-voice}]",
    good='listeners: [{bind: "0.0.0.0:3306", tcp: mysql-voice}]',
)
NO_MESH = Code(
    "MSH0331",
    "no mesh.yaml",
    why="mesh.yaml names the edition, without which no default is known.",
    bad="catalog/ without mesh.yaml",
    good="catalog/mesh.yaml: format: 1, edition: 2026.11, name: example",
)
