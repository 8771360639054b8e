"""What a person or a platform reads: results.json, report.html, student.html, junit.xml, history.csv, the terminal."""
