namespace Crm.Domain;

/// <summary>
/// Marks what an event says of the person that its stream is about. Marked values stand in the log only sealed, under that person's key;
/// once the key is destroyed they read as absent.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class PersonalAttribute : Attribute
{
    /// <summary>What stands in the place of a value that must be there, once it is erased.</summary>
    public const string Erased = "[erased]";

    /// <summary>What is read once the value is erased; null where it then reads as absent.</summary>
    public string? ErasedAs { get; init; }
}
