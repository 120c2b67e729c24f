"""The app's `gradlew`, with a folder in the place of Gradle's server: only the recorded file is ever run."""

import os
import shutil
import subprocess
import zipfile

import pytest

from hemotk.android import app_folder
from hemotk.files import sha256_file

PROGRAM = '#!/bin/sh\necho "gradle in $PWD got $*"\n'
pytestmark = pytest.mark.skipif(
    not all(shutil.which(tool) for tool in ("sh", "curl", "unzip")), reason="needs a shell, curl and unzip"
)


@pytest.fixture
def project(tmp_path):
    """A project with `gradlew`, whose properties name a distribution in a folder."""
    project = tmp_path / "an app"
    (project / "gradle/wrapper").mkdir(parents=True)
    shutil.copy(app_folder() / "gradlew", project)
    distribution = tmp_path / "gradle-9.9.9-bin.zip"
    with zipfile.ZipFile(distribution, "w") as archive:
        program = zipfile.ZipInfo("gradle-9.9.9/bin/gradle")
        program.external_attr = 0o755 << 16
        archive.writestr(program, PROGRAM)
    properties(project, distribution, sha256_file(distribution))
    return project


def properties(project, distribution, checksum):
    url = f"file://{distribution}".replace(":", "\\:")
    text = f"distributionBase=GRADLE_USER_HOME\ndistributionSha256Sum={checksum}\r\ndistributionUrl={url}\n"
    (project / "gradle/wrapper/gradle-wrapper.properties").write_text(text, newline="")


def run(project, *arguments):
    environment = {**os.environ, "GRADLE_USER_HOME": str(project / "home")}
    done = subprocess.run(
        [project / "gradlew", *arguments], capture_output=True, text=True, env=environment, check=False, timeout=60
    )
    return done.returncode, done.stdout, done.stderr


def test_gradle_is_fetched_once_and_gets_the_arguments(project):
    code, said, told = run(project, ":app:assembleDebug", "two words")
    assert code == 0 and "fetching" in told
    assert said.endswith(f"got -p {project.resolve()} :app:assembleDebug two words\n")
    (project.parent / "gradle-9.9.9-bin.zip").unlink()
    code, said, told = run(project, "tasks")
    assert (code, told) == (0, "") and said.endswith("tasks\n")
    assert [path.name for path in (project / "home/checked").iterdir()] == [
        path.name for path in (project / "home/checked").iterdir() if path.name.startswith("gradle-9.9.9-")
    ]


def test_another_file_than_the_recorded_one_is_never_run(project):
    properties(project, project.parent / "gradle-9.9.9-bin.zip", "0" * 64)
    code, said, told = run(project)
    assert code == 1 and said == ""
    assert "so it is not run" in told
    assert list((project / "home/checked").iterdir()) == []


def test_what_cannot_be_fetched_is_said(project):
    properties(project, project.parent / "none.zip", "0" * 64)
    code, _, told = run(project)
    assert code == 1 and "cannot be fetched" in told
    assert list((project / "home/checked").iterdir()) == []


def test_properties_without_a_checksum_are_refused(project):
    path = project / "gradle/wrapper/gradle-wrapper.properties"
    path.write_text("distributionUrl=https\\://example.org/gradle-9-bin.zip\n")
    code, _, told = run(project)
    assert code == 1 and "no distributionSha256Sum" in told


def test_the_shipped_properties_name_a_gradle_with_its_checksum():
    text = (app_folder() / "gradle/wrapper/gradle-wrapper.properties").read_text()
    found = dict(line.split("=", 1) for line in text.splitlines())
    assert found["distributionUrl"].startswith("https\\://services.gradle.org/distributions/gradle-")
    assert len(found["distributionSha256Sum"]) == 64
