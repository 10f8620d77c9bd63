namespace Crm.Domain;

/// <summary>What a change request says of one field: its new value, which may be null, or nothing. The default says nothing.</summary>
public readonly record struct Change<T>
{
    private readonly T? value;

    private Change(T value) => (this.value, IsGiven) = (value, true);

    /// <summary>Whether the request says anything of the field.</summary>
    public bool IsGiven { get; }

    /// <summary>The field gets this value.</summary>
    public static Change<T> To(T value) => new(value);

    /// <summary>The field's value after the change: the new one, or the current one where nothing was said.</summary>
    public T Or(T current) => IsGiven ? value! : current; // given, so the constructor has set it

    /// <summary>The field gets this value.</summary>
    public static implicit operator Change<T>(T value) => new(value);
}
