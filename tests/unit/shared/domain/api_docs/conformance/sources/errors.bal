# What went wrong with an account.
#
# + accountId - which one
public type AccountErrorData record {|
    int accountId;
|};

public type AccountError distinct error<AccountErrorData>;

public type InvalidAccountIdError distinct AccountError;

public type AccountNotFoundError distinct AccountError;

public type TotalCacheError distinct CacheError;

public type CacheError distinct error;

public type CancelledError distinct error;

public type UnKnownError distinct error;

public type Error CacheError;

public type GrpcError CancelledError|UnKnownError|CacheError;

public type LinkToGrpcError GrpcError;

public type YErrorType error|string;

public type LinktoYError YErrorType;
