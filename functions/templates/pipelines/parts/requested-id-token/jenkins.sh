: "${ID_TOKEN:?Bind the id token of the job to ID_TOKEN}"
