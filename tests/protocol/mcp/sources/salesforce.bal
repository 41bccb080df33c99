# Reads and writes records of Salesforce.
public isolated client class Client {
    public isolated function init(ConnectionConfig config) returns error? {}
    # Creates a record.
    # + sObjectName - The kind of the record
    # + sObject - Its fields
    remote isolated function create(string sObjectName, record {} sObject)
        returns CreationResponse|error {}
    # Deletes a record.
    remote isolated function delete(string sObjectName, string id) returns error? {}
}

public type ConnectionConfig record {| string baseUrl; |};

# What was created.
public type CreationResponse record { string id; boolean success; };
