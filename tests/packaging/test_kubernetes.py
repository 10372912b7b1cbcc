"""The manifests for Kubernetes fit the product and one another."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import Any

import pytest
import yaml

from mcp_router.door.guard import OPEN_PATHS
from mcp_router.version import __version__
from tests.packaging.deployed import (
    PACKAGING,
    parse_line,
    read_yaml,
    settings_in,
    unknown_variables,
)

FOLDER = PACKAGING / "kubernetes"
KUSTOMIZATION: dict[str, Any] = read_yaml(FOLDER / "kustomization.yaml")
OBJECTS: dict[str, Any] = {
    one["kind"]: one for one in (read_yaml(FOLDER / name) for name in KUSTOMIZATION["resources"])
}
SECRET: dict[str, Any] = read_yaml(FOLDER / "secret.example.yaml")
POD: dict[str, Any] = OBJECTS["Deployment"]["spec"]["template"]
(ROUTER,) = POD["spec"]["containers"]
SETTINGS = settings_in(FOLDER / "mcp-router.toml")


def test_all_that_a_team_needs_is_there_and_the_example_is_not_applied() -> None:
    assert set(OBJECTS) == {
        "Deployment",
        "Service",
        "PodDisruptionBudget",
        "HorizontalPodAutoscaler",
        "NetworkPolicy",
    }
    files = {one.name for one in FOLDER.glob("*.yaml")}
    listed = {*KUSTOMIZATION["resources"], "kustomization.yaml"}
    assert files - listed == {"secret.example.yaml"}


def test_every_selector_finds_the_pods() -> None:
    labels = POD["metadata"]["labels"]
    for kind in ("Deployment", "PodDisruptionBudget"):
        assert OBJECTS[kind]["spec"]["selector"]["matchLabels"] == labels
    assert OBJECTS["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"] == labels
    assert OBJECTS["Service"]["spec"]["selector"] == labels
    (spread,) = POD["spec"]["topologySpreadConstraints"]
    assert spread["labelSelector"]["matchLabels"] == labels
    target = OBJECTS["HorizontalPodAutoscaler"]["spec"]["scaleTargetRef"]
    assert (target["kind"], target["name"]) == ("Deployment", "mcp-router")


def test_the_container_runs_a_line_of_the_command_line_and_this_release() -> None:
    assert parse_line(ROUTER["args"]) == "serve"
    (image,) = KUSTOMIZATION["images"]
    assert (image["name"], image["newTag"]) == (ROUTER["image"], __version__)


def test_ports_and_probes_are_those_of_the_server() -> None:
    (port,) = ROUTER["ports"]
    assert port["containerPort"] == SETTINGS.http.port
    assert SETTINGS.http.host == "0.0.0.0"
    probes = {name: ROUTER[f"{name}Probe"]["httpGet"] for name in ("startup", "liveness")}
    assert {one["path"] for one in probes.values()} == {"/healthz"}
    assert ROUTER["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": port["name"]}
    assert {"/healthz", "/readyz"} <= set(OPEN_PATHS)
    (served,) = OBJECTS["Service"]["spec"]["ports"]
    assert served["targetPort"] == port["name"]
    (ingress,) = OBJECTS["NetworkPolicy"]["spec"]["ingress"]
    assert ingress["ports"] == [{"protocol": "TCP", "port": port["name"]}]


def test_calls_in_flight_are_answered_before_a_pod_is_killed() -> None:
    program, pause = ROUTER["lifecycle"]["preStop"]["exec"]["command"]
    assert program == "sleep"
    needed = float(pause) + SETTINGS.http.drain_ms / 1000
    assert POD["spec"]["terminationGracePeriodSeconds"] >= needed + 5


def test_two_replicas_stay_and_one_at_most_is_taken_away() -> None:
    scaler = OBJECTS["HorizontalPodAutoscaler"]["spec"]
    assert OBJECTS["Deployment"]["spec"]["replicas"] == scaler["minReplicas"] == 2
    assert OBJECTS["PodDisruptionBudget"]["spec"]["maxUnavailable"] == 1
    assert OBJECTS["Deployment"]["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0


def test_the_pod_has_no_rights_that_it_does_not_need() -> None:
    pod, container = POD["spec"]["securityContext"], ROUTER["securityContext"]
    assert (pod["runAsNonRoot"], pod["runAsUser"]) == (True, 10001)
    assert container == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert POD["spec"]["automountServiceAccountToken"] is False
    mounted = {one["name"]: one["mountPath"] for one in ROUTER["volumeMounts"]}
    assert set(mounted) == {one["name"] for one in POD["spec"]["volumes"]}
    assert {"/data", "/tmp"} <= set(mounted.values())


def test_the_metadata_of_the_cloud_is_out_of_reach() -> None:
    rules = OBJECTS["NetworkPolicy"]["spec"]["egress"]
    (outside,) = (rule["to"] for rule in rules if "to" in rule)
    excepted = [block["ipBlock"]["except"] for block in outside]
    assert "169.254.0.0/16" in excepted[0]
    assert "fd00:ec2::254/128" in excepted[1]


def test_every_variable_is_known_and_the_secret_holds_no_value() -> None:
    given = {one["name"]: one["value"] for one in ROUTER["env"]}
    assert unknown_variables([*given, *SECRET["stringData"]]) == set()
    assert set(SECRET["stringData"].values()) == {""}
    (reference,) = ROUTER["envFrom"]
    assert reference["secretRef"]["name"] == SECRET["metadata"]["name"]
    settings = settings_in(
        FOLDER / "mcp-router.toml", {k: v for k, v in given.items() if k != "ROUTING_CONFIG"}
    )
    assert (settings.telemetry.enabled, settings.log_format) == (True, "json")


def test_the_settings_are_mounted_where_they_are_read_and_know_the_service() -> None:
    (made,) = KUSTOMIZATION["configMapGenerator"]
    mounted = {one["name"]: one["mountPath"] for one in ROUTER["volumeMounts"]}
    volumes = {one["name"]: one for one in POD["spec"]["volumes"]}
    assert volumes["settings"]["configMap"]["name"] == made["name"]
    path = next(one["value"] for one in ROUTER["env"] if one["name"] == "ROUTING_CONFIG")
    assert path == f"{mounted['settings']}/{made['files'][0]}"
    service, namespace = OBJECTS["Service"]["metadata"]["name"], KUSTOMIZATION["namespace"]
    assert {service, f"{service}.{namespace}.svc"} <= set(SETTINGS.http.allowed_hosts)


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")
def test_kustomize_builds_it_without_a_network() -> None:
    built = subprocess.run(
        ["kubectl", "kustomize", str(FOLDER)], check=True, capture_output=True, text=True
    ).stdout
    objects = {one["kind"]: one for one in yaml.safe_load_all(built)}
    assert set(objects) == {*OBJECTS, "ConfigMap"}
    assert {one["metadata"]["namespace"] for one in objects.values()} == {"router"}
    pod = objects["Deployment"]["spec"]["template"]["spec"]
    config = next(one["configMap"]["name"] for one in pod["volumes"] if "configMap" in one)
    assert config == objects["ConfigMap"]["metadata"]["name"]
    assert re.fullmatch(r"mcp-router-[a-z0-9]+", config), "its hash restarts the pods"
    assert pod["containers"][0]["image"] == f"mcp-model-router:{__version__}"
