: "${ID_TOKEN:?Add ID_TOKEN to id_tokens of this job}"
