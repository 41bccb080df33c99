# A pupil.
#
# + firstName - what the pupil is called
# + lastName - of the family
# + age - in years
type Student record {|
    readonly string firstName;
    string lastName;
    int age;
|};

# Rows without a key.
public type TableType table<Student>;

# Rows with one.
public type TableTypeWithKey table<Student> key<firstName>;

# Numbers by their names.
public type MapType map<int>;

# Record type param
#
# + firstName - first name of the student
# + lastName - last name of the student
# + age - age of the student
public type RecordType record {|
    readonly string firstName;
    string lastName;
    int age;
|};

# Readonly record type param
#
# + firstName - first
# + lastName - last
# + age - age
public type ReadonlyRecordType readonly & record {|
    string firstName;
    string lastName;
    int age;
|};

# Readonly record type param 2
#
# + firstName - first
# + lastName - last
# + age - age
public type RecordReadonlyType record {|
    string firstName;
    string lastName;
    int age;
|} & readonly;

public type RecordTypeOptional record {
    int id;
}?;

public type TypeDescType typedesc<anydata>;

public type AnyType any;

public type AnyDataType anydata;

public type FileErrorDetail record {|
    string path;
|};

public type ErrorName error<map<FileErrorDetail>>;

public type IOError distinct error;

public type FileIOError IOError & error<FileErrorDetail>;

public type ReadonlyIntersectionType readonly & string;

public type ArrayType int[];

public type UnionType int|error;

public type TupleType [string, int];

# Something with a name.
public type ObjectType object {
    public string name;
    int age;

    # This method will be called to get name of the student
    # + return - the name
    public function getName() returns string;

    public function getClassName() returns string;

    function count() returns int;
};

public type DistinctObjectType distinct object {
    public function id() returns int;
};

public type ClientObjectType client object {
    remote function send(string text);
};

public type ServiceObjectType service object {
    resource function get greeting() returns string;
};
