"""A few faults put into the rules; `python -m tests.mls.mutants` puts in all of them."""

import subprocess
import sys

from tests.mls.mutants import CHECKOUT, HARMLESS, TARGETS, mutants


def test_a_few_faults_are_noticed() -> None:
    command = [sys.executable, "-m", "tests.mls.mutants", "--sample", "4"]

    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 of 4 killed" in done.stdout


def test_the_faults_are_made_where_they_are_meant_to_be() -> None:
    """In every target, and those that make no difference are among them."""
    made = list(mutants())

    assert {mutant.module for mutant in made} == set(TARGETS)
    assert len(made) > 300
    assert set(HARMLESS) <= {mutant.name for mutant in made}
