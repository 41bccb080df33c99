summary=$AGENT_TEMPDIRECTORY/published.md
