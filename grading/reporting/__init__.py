"""What a person or a platform reads: results.json, report.html, junit.xml, history.csv, the terminal."""
