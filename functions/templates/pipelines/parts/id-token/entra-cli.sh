ID_TOKEN=$(az account get-access-token --resource api://ballroom \
  --query accessToken --output tsv)
export ID_TOKEN
