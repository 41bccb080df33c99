pipeline {
  agent any
  parameters {
    string(name: 'TAG', description: 'The tag to publish, such as v1.0.0')
  }
  environment {
    REGISTRY = 'https://ballroom.example.org'
  }
  stages {
    stage('Publish') {
      steps {
        checkout([
          $class: 'GitSCM',
          branches: [[name: "refs/tags/${params.TAG}"]],
          userRemoteConfigs: scm.userRemoteConfigs,
        ])
        sh 'bal pack'
        withCredentials([string(credentialsId: 'ballroom', variable: 'ID_TOKEN')]) {
          sh '''#!/bin/bash
            set -euo pipefail
            umask 077
            trap 'rm -f "$HOME/.ballerina/Settings.toml"' EXIT
            answer=$(printf '{"org":"acme","token":"%s"}' "$ID_TOKEN" |
              curl -sS --fail-with-body -H "Content-Type: application/json" --data @- \\
                "$REGISTRY/api/v1/trusted-publishing/token") || { echo "$answer"; exit 1; }
            token=$(printf '%s' "$answer" | sed 's/.*"token": *"//; s/".*//')
            mkdir -p "$HOME/.ballerina"
            curl -fsS "$REGISTRY/api/v1/settings.toml" |
              sed "s/put-your-access-token-here/$token/" > "$HOME/.ballerina/Settings.toml"
            bal push --repository=ballroom
          '''
        }
      }
    }
  }
}
