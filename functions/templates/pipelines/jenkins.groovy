pipeline {
  agent any
  options {
    preserveStashes()
  }
  parameters {
    string(name: 'TAG', description: 'The tag to publish, such as v1.0.0')
  }
  environment {
    REGISTRY = 'https://ballroom.example.org'
    PACKAGES = '.'
  }
  stages {
    stage('Pack') {
      steps {
        deleteDir()
        checkout([
          $class: 'GitSCM',
          branches: [[name: "refs/tags/${params.TAG}"]],
          userRemoteConfigs: scm.userRemoteConfigs,
        ])
        sh '''#!/bin/bash
          [[build]]
        '''
        stash name: 'packages', includes: 'dist/*'
      }
    }
    stage('Publish') {
      steps {
        deleteDir()
        unstash 'packages'
        withCredentials([string(credentialsId: 'ballroom', variable: 'ID_TOKEN')]) {
          sh '''#!/bin/bash
            [[publish jenkins]]
          '''
        }
      }
    }
  }
}
