"""Mutations of the app: is each one seen by a test? `tools/test.sh mutate` calls it.

The sources are copied, and every mutation of mutations.txt is put in behind a switch, so that all is compiled once.
Then the tests of each module run for each mutation that they are to see, up to the first that fails, in one virtual
machine. Ends with 1 where a mutation survives, or where a test fails without any, also right after the mutation that it
saw. `mutate.py core` runs those of that module alone, `mutate.py app --only sizes` those of them whose line of
mutations.txt holds that text.
"""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import astuple, dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parents[1]
WORK = HERE / "build" / "mutants"
CODE = {"core": "org.hemotk.core", "runtime": "org.hemotk.runtime", "app": "org.hemotk.app"}
SWITCH = """package org.hemotk.core

/** Whether the mutation of that number is on. */
fun mutated(number: Int) = Integer.getInteger("hemotk.mutant", 0) == number
"""
# One test in each module, which runs the others again and again.
RUNNER = """package {package}

import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.Description
import org.junit.runner.Request
import org.junit.runner.notification.Failure
import org.junit.runner.notification.RunListener
import org.junit.runner.notification.RunNotifier
import org.junit.runner.notification.StoppedByUserException
import java.io.File
import java.util.concurrent.TimeUnit.NANOSECONDS

class MutationRun {{
    @Test
    fun every_mutation_is_seen() {{
        val report = File(System.getProperty("hemotk.work"), "mutations-{module}.txt")
        report.writeText("")
        for (line in File(System.getProperty("hemotk.work"), "mutants-{module}.txt").readLines()) {{
            val (number, names) = line.split(' ')
            System.setProperty("hemotk.mutant", number)
            val classes = names.split(',').map {{ Class.forName("{package}.$it") }}
            val began = System.nanoTime()
            val failure = classes.asSequence().mapNotNull {{ failure(Request.aClass(it)) }}.firstOrNull()
            System.setProperty("hemotk.mutant", "0")
            val seen = failure?.let(::said) ?: "-"
            report.appendText("$number ${{NANOSECONDS.toSeconds(System.nanoTime() - began)}} $seen\\n")
        }}
    }}

    /** What failed and why, and whether it passes again: what a mutation leaves behind sees none of the next. */
    private fun said(failure: Failure): String {{
        val test = failure.description
        val again = failure(Request.method(Class.forName(test.className), test.methodName))
        val reason = failure.message.orEmpty().lineSequence().first().take(100)
        return (if (again == null) "" else "LEAKS ") + test.displayName + " " + reason
    }}

    /** How the first of the tests fails, after which no other is begun; null where all pass. */
    private fun failure(tests: Request): Failure? {{
        var begun = 0
        var found: Failure? = null
        val notifier = RunNotifier()
        notifier.addListener(object : RunListener() {{
            override fun testStarted(description: Description) {{
                begun++
            }}

            override fun testFailure(failure: Failure) {{
                if (found == null) found = failure
                notifier.pleaseStop()
            }}
        }})
        try {{
            tests.runner.run(notifier)
        }} catch (error: StoppedByUserException) {{
            assertTrue("stopped without a failure", found != null)
        }}
        assertTrue("no test was run", begun > 0 || found != null)
        return found
    }}
}}
"""


@dataclass(frozen=True)
class Mutation:
    """In `file`, `old` becomes `new`, where `{m}` is true while it is on; `tests` of `module` are to see it."""

    name: str
    file: str
    old: str
    new: str
    module: str
    tests: str

    @classmethod
    def of(cls, line: str) -> "Mutation":
        """One line of mutations.txt."""
        name, file, old, new, tests = line.split(" :: ")
        module, _, kotlin = file.partition("/")
        found = re.match(r"\[(\w+)\]", tests)
        path = f"{module}/src/main/kotlin/{CODE[module].replace('.', '/')}/{kotlin}"
        old, new = (text.replace("\\n", "\n") for text in (old, new))
        return cls(name, path, old, new, found[1] if found else module, tests[found.end() :] if found else tests)


def mutations() -> list[Mutation]:
    """All of them, in the order of the file."""
    lines = (HERE / "tools" / "mutations.txt").read_text(encoding="utf-8").splitlines()
    return [Mutation.of(line) for line in lines if not line.startswith("#")]


MUTATIONS = mutations()


def chosen(only: str) -> list[Mutation]:
    """Those whose name, file, text or tests hold the text."""
    found = [mutation for mutation in MUTATIONS if any(only in str(each) for each in astuple(mutation))]
    if not found:
        raise SystemExit(f"{only}: is in no mutation of mutations.txt")
    return found


def main() -> None:
    """Copy, mutate, compile, run, and print a line for each mutation."""
    words, _, only = " ".join(sys.argv[1:]).partition("--only ")
    MUTATIONS[:] = chosen(only)
    copy()
    for number, mutation in enumerate(MUTATIONS, 1):
        put_in(number, mutation)
    asked = words.split() or list(CODE)
    for module, package in CODE.items():
        mine = [(number, mutation) for number, mutation in enumerate(MUTATIONS, 1) if mutation.module == module]
        lines = [f"{number} {mutation.tests}" for number, mutation in mine if module in asked]
        tests = ",".join(sorted({name for line in lines for name in line.split(" ")[1].split(",")}))
        # First without any, to see that the tests pass.
        text = "\n".join([f"0 {tests}", *lines]) + "\n" if lines else ""
        (HERE / "build" / f"mutants-{module}.txt").write_text(text)
        place = WORK / module / "src/test/kotlin" / package.replace(".", "/")
        place.mkdir(parents=True, exist_ok=True)
        (place / "MutationRun.kt").write_text(RUNNER.format(package=package, module=module))
    run(asked)
    report(asked)


def copy() -> None:
    """The modules' sources and what Maven needs."""
    shutil.rmtree(WORK, ignore_errors=True)
    for module in CODE:
        shutil.copytree(HERE / module / "src", WORK / module / "src")
        shutil.copy(HERE / module / "pom.xml", WORK / module / "pom.xml")
    pom = (HERE / "pom.xml").read_text()
    for left_out in ("<module>litert</module>", "<module>written</module>", "<arg>-Werror</arg>"):
        pom = pom.replace(left_out, "")
    (WORK / "pom.xml").write_text(pom)
    (WORK / ".mvn").mkdir()
    (WORK / "core/src/main/kotlin/org/hemotk/core/Mutated.kt").write_text(SWITCH)


def put_in(number: int, mutation: Mutation) -> None:
    """Replace the place of the mutation, which must be the only one."""
    path = WORK / mutation.file
    text = path.read_text()
    if text.count(mutation.old) != 1:
        raise SystemExit(f"{mutation.name}: {text.count(mutation.old)} places for {mutation.old!r} in {mutation.file}")
    path.write_text(text.replace(mutation.old, mutation.new.replace("{m}", f"org.hemotk.core.mutated({number})")))


def run(modules: list[str]) -> None:
    """The modules' runs, in one build; the properties are those of tools/test.sh."""
    given = os.environ["MUTATE_PROPERTIES"].split()
    work = f"-Dhemotk.work={HERE / 'build'}"
    command = ["mvn", "-q", "-B", "test", "-Pactivities", work, "-Dhemotk.patience=15", *given]
    needed = [module for module in CODE if module in modules or modules != ["core"]]
    only = ["-Dtest=MutationRun", "-Dsurefire.failIfNoSpecifiedTests=false", "-pl", ",".join(needed)]
    subprocess.run([*command, *only], cwd=WORK, check=True)


def report(modules: list[str]) -> None:
    """Print what saw each mutation, the seconds that it took, and how the first test failed."""
    seen: dict[int, tuple[str, str]] = {}
    for module in modules:
        for line in (HERE / "build" / f"mutations-{module}.txt").read_text().splitlines():
            said, seconds, name = line.split(" ", 2)
            if number := int(said):
                seen[number] = seconds, name
            elif name != "-":
                raise SystemExit(f"{name} fails without any mutation")
    survivors = 0
    for number, mutation in enumerate(MUTATIONS, 1):
        if mutation.module not in modules:
            continue
        seconds, name = seen[number]
        kind = "SURVIVES" if name == "-" else "LEAKS   " if name.startswith("LEAKS ") else "seen    "
        survivors += kind != "seen    "
        print(f"{kind} {mutation.name} ({mutation.file.rpartition('/')[2]}) {seconds} s {name}")
    print(f"{len(seen) - survivors} of {len(seen)} mutations are seen")
    sys.exit(survivors > 0)


if __name__ == "__main__":
    main()
