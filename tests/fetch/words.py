# SPDX-License-Identifier: BSD-2-Clause
"""What jwtauth tells an administrator: who cannot read what, what is stale and what is not kept."""

import json
import re
import subprocess

from world import BUILD, ROOT, USER, USER_ID, Authority, Site, body, status, unused_port

COMMAND = BUILD / "tests" / "fetch" / "refresher"  # jwtauth, with the helper of the build
ALICE = {"user": USER, "group": USER, "extra_groups": []}


def jwtauth(*arguments, **options):
    done = subprocess.run([COMMAND, *arguments], text=True, capture_output=True, check=False,
                          **options)
    return done.returncode, done.stdout, done.stderr


# Every check warns once, of a service that everybody may use.
def says(results, name, site, code, *lines, command=("config", "check"), lacks=(), **options):
    """The exit status, and that each of these expressions is found in what is printed."""
    got, out, err = jwtauth(*command, "--config", site.config, **options)
    text = out + err
    results.result(got == code and all(re.search(line, text, re.MULTILINE) for line in lines) and
                   not any(re.search(line, text, re.MULTILINE) for line in lacks),
                   name, f"expected: {code} {lines}, not {lacks}", f"got: {got}", text)


def authority_of(site, path):
    site.config.write_text(site.config.read_text().replace(
        f"{site.world.authority.folder}/ca.pem", str(path)))


def try_check_rights(results, world):
    """The helper's user must read what root can read anyway."""
    if not ROOT:
        results.skip("config check as root", "only root's helper becomes another user")
        return
    cannot = "error: the user jwtauth, as whom keys are fetched, cannot read this: "
    site = Site(world)
    says(results, "config check, readable by the helper's user", site, 0, "0 errors, 1 warning$",
         lacks=["jwtauth,"])
    site.config.chmod(0o600)
    says(results, "config check, a configuration of root alone", site, 2,
         f"^{site.config}: {cannot}Permission denied$")
    site.config.chmod(0o644)
    site.folder.chmod(0o700)
    says(results, "config check, in a folder of root alone", site, 2,
         f"^{site.config}: {cannot}.*Permission denied$")
    site.folder.chmod(0o755)
    snippets = site.folder / "conf.d"
    snippets.mkdir(mode=0o755)
    snippets.chmod(0o755)
    (snippets / "a.yaml").write_text("clock_skew: 30s\n")
    (snippets / "a.yaml").chmod(0o600)
    says(results, "config check, a part of root alone", site, 2,
         f"^{snippets}/a.yaml: {cannot}Permission denied$")
    snippets.chmod(0o700)
    says(results, "config check, conf.d of root alone", site, 2,
         f"^{snippets}: {cannot}Permission denied$")
    site = Site(world, jwks=f"file:{world.folder}/absent")
    site.config.chmod(0o600)
    says(results, "config check, nothing to be fetched", site, 2, "absent", lacks=["jwtauth,"])


def try_check_authorities(results, world):
    site = Site(world)
    place = f"^{site.config}:\\d+: error: issuer corp: \"ca_file\": "
    file = site.folder / "own.pem"
    site.run("get=+0")
    authority_of(site, file)
    says(results, "config check, no ca_file", site, 2, f"{place}{file}: No such file")
    for name, text in (("an empty ca_file", ""), ("a ca_file of junk", "junk\n"),
                       ("a ca_file cut short", "-----BEGIN CERTIFICATE-----\nMIIB\n")):
        file.write_text(text)
        file.chmod(0o644)
        says(results, f"config check, {name}", site, 2, f"{place}{file} has no certificate in PEM")
    file.write_text((world.authority.folder / "ca.pem").read_text())
    if ROOT:
        file.chmod(0o600)
        says(results, "config check, a ca_file of root alone", site, 2,
             f"{place}{file}: Permission denied .tried as user {USER_ID}.$")
    file.chmod(0o644)
    says(results, "config check, a ca_file as it must be", site, 0, "0 errors", lacks=["ca_file"])


def try_check_modes(results, world):
    """Whoever is not root looks at the modes of root's files."""
    if not ROOT:
        results.skip("config check as an ordinary user", "root is wanted, to have files of root")
        return
    site = Site(world)
    site.run("get=+0")
    site.config.chmod(0o640)
    subprocess.run(["chgrp", str(USER), site.config], check=True)
    says(results, "config check by another, a configuration closed to the helper's user", site, 0,
         f"^{site.config}: warning: the user jwtauth cannot read this, so programs of root",
         "2 warnings$", **ALICE)
    site.config.chmod(0o644)
    says(results, "config check by another, open to all", site, 0, "1 warning$", **ALICE)


def stale_site(world):
    """One whose keys expired a while ago, and whose issuer is away."""
    site = Site(world)
    site.run("get=-5000")
    world.server.scripts["/jwks"] = status(503)
    return site


def try_check_stale(results, world):
    site = stale_site(world)
    beyond = (f"^{site.config}:\\d+: warning: issuer corp: keys fetched 50\\d\\d s ago are used beyond "
              "their time, for newer ones cannot be had: .*HTTP status 503")
    says(results, "config check, the issuer is away", site, 0, beyond, "0 errors, 2 warnings$")
    world.reset()
    site = stale_site(world)
    world.reset()
    says(results, "config check, the issuer is back", site, 0, "0 errors, 1 warning$")


def try_uncached(results, world):
    """A cache that is not believed, or that cannot be had, is no cache."""
    if not ROOT:
        results.skip("a cache that nobody believes", "only root has the cache itself")
        return
    site = Site(world)
    site.directory.chmod(0o777)
    fault = f"not cached: {site.directory} is writable by group or others .owner uid 0, mode 0777"
    says(results, "config check, a cache that all can write to", site, 0,
         f"^{site.config}:1: warning: issuer corp: {fault}", "0 errors, 2 warnings$")
    says(results, "config check again, now that a file is there", site, 0, fault)
    says(results, "keys list, a cache that all can write to", site, 0,
         f"^  fetched 0 s ago  fresh for 3600 s\n  {fault}", command=("keys", "list"))
    says(results, "keys refresh, a cache that all can write to", site, 3,
         f"^jwtauth: issuer corp: keys-unavailable: {fault}", command=("keys", "refresh"))
    says(results, "keys refresh in the background says nothing", site, 0, r"\A\Z", lacks=["cached"],
         command=("keys", "refresh", "--background"))
    site.directory.chmod(0o755)
    says(results, "config check, a cache as it must be", site, 0, lacks=["not cached"])
    says(results, "keys list, a cache as it must be", site, 0, "^  from .*/jwks\"  fetched",
         lacks=["not cached"], command=("keys", "list"))
    site = Site(world)
    for force, code in (([], 3), (["--force"], 3)):
        says(results, f"keys refresh by a user without a folder {' '.join(force)}", site, code,
             f"issuer corp: keys-unavailable: not cached: {site.directory}/{USER}",
             command=("keys", "refresh", *force), **ALICE)
    site.run("get=+0")
    says(results, "keys refresh by a user, root's keys are fresh", site, 0, r"\A\Z",
         command=("keys", "refresh"), **ALICE)
    says(results, "keys list, the issuer is away", stale_site(world), 0,
         "^  newer ones cannot be had: .*HTTP status 503", command=("keys", "list"))


def try_urls(results, world):
    """Whoever reads of a failure sees what was asked."""
    root = world.server.url("/realms/a")
    known = ".well-known/openid-configuration"
    site = Site(world, jwks="discover", issuer=root)
    says(results, "no metadata: both places are named", site, 2,
         rf"{root}/{known}: HTTP status 404; "
         rf"{world.server.url()}/.well-known/oauth-authorization-server/realms/a: HTTP status 404")
    url = f"https://127.0.0.1:{unused_port()}/jwks"
    says(results, "refused connection: the URL", Site(world, jwks=url), 2, f"{url}: .*onnect")
    site = Site(world)
    authority_of(site, Authority(world.folder / "other").folder / "ca.pem")
    says(results, "an unknown authority: the URL", site, 2,
         f"{world.server.url('/jwks')}: SSL certificate problem")
    says(results, "a long URL: cut", Site(world, jwks="https://127.0.0.1:1/" + "x" * 600), 2,
         r"x{99}\.\.\.\"$")


def try_quotes(results, world):
    root = world.server.url()
    site = Site(world, jwks="discover", issuer=root)
    world.server.scripts["/.well-known/openid-configuration"] = body(json.dumps(
        {"issuer": "https://other.example", "jwks_uri": f"{root}/jwks"}).encode())
    says(results, "a reason with quotes in it", site, 2,
         "\"the metadata is of issuer 'https://other.example', not " + root + "\"$", lacks=["x22"])
    if ROOT:
        site.config.chmod(0o600)
        _, out, err = jwtauth("keys", "refresh", "--force", "--config", site.config)
        results.result(f"the fetch helper cannot read the configuration: {site.config}: Permission"
                       in err, "a configuration that the helper cannot read: its name", out, err)


def try_causes(results, world):
    """After a failure everybody is told why, and when it is tried again."""
    site = Site(world)
    world.server.scripts["/jwks"] = status(503)
    url = world.server.url("/jwks")
    site.run("get=+0")
    again = (rf"the last attempt, \d s ago, failed: \"{url}: HTTP status 503\"; next in \d s, or at once "
             "by jwtauth keys refresh --force$")
    results.result(f"\ncause {url}: HTTP status 503\n" in (site.own / "corp.state").read_text(),
                   "the state has the cause", (site.own / "corp.state").read_text())
    says(results, "config check: the cause of an earlier failure", site, 2, again)
    says(results, "keys list, too", site, 3, again, command=("keys", "list"))
    says(results, "keys refresh, too", site, 3, again, command=("keys", "refresh"))
    line, log = site.one("get=+0")
    results.result(re.search(again, line + "\n" + log, re.MULTILINE), "a host, too", line, log)
    world.reset()
    says(results, "keys refresh --force", site, 0, r"\A\Z", command=("keys", "refresh", "--force"))
    results.result("\ncause \n" in (site.own / "corp.state").read_text(), "no cause is left",
                   (site.own / "corp.state").read_text())
