"""What `H` stands for: values that depend on the job, and on nothing that changes."""

from cronjobs.core.schedule.terms import Pick


def pick_for(job: str, hash_seed: str) -> Pick:
    """Return the function that picks a job's values: the same after a restart and on another host."""

    def pick(count: int, index: int) -> int:
        from hashlib import sha256  # late: few schedules have an `H`

        digest = sha256(f"{hash_seed}\0{job}\0{index}".encode("utf-8", "surrogatepass")).digest()
        return int.from_bytes(digest, "big") % count

    return pick
