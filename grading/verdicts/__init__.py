"""From metrics to PASS, FAIL and REVIEW, and to the report's conclusions."""
