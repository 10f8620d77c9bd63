namespace Crm.Application.Permissions;

/// <summary>What somebody may do with a lead; each includes those before it.</summary>
public enum Access
{
    /// <summary>Nothing: for them it is not there.</summary>
    None,

    /// <summary>Look at it.</summary>
    Read,

    /// <summary>Look at it and, where its assignment allows, take it.</summary>
    Claim,

    /// <summary>Work on it.</summary>
    Write,
}
